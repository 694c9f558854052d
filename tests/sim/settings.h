#pragma once

#include <cstddef>
#include <cstdint>

#include <absl/time/time.h>

namespace lockstep::sim {

/// What is broken on purpose, in the harness, to see that the oracle notices.
enum class Mutation : uint8_t {
  kNone,
  kHubForgetsWrites,        // Append says OK and a crash may forget it.
  kHubAcknowledgesFirst,    // StatusAck leaves before the batch is written.
  kHubSendsFirst,           // Everything leaves before the batch is written.
  kAgentAcknowledgesFirst,  // The agent answers before it has written.
  kAgentForgetsWrites,      // Synced writes are not synced.
  kRecordLosesField,        // What an agent wrote does not all come back from its bytes.
  kRestoreUnnoticed,        // The hub does not look at what agents know of it.
  kTargetUnchecked,         // … nor at which target an agent has.
  kKeyUnchecked,            // … nor at its key.
  kConfigErrorsHidden,      // A file of the configuration that cannot be read is not there.
  kFetchesOld,              // A fetch brings what the branch was at some time ago.
  kFullDiskIgnored,         // The hub is not told that its disk is full.
  kApprovalForged,          // Every held list arrives approved by nobody.
  kHandOverTorn,            // Of a Desired with several applications one is dropped on the way.
  kErrorRendersEmpty,       // A render error is handed on as an empty result.
  kEqualLooksDifferent,     // The target says of what is equal that it differs.
  kDeleteNotCompared,       // The target deletes what it was not asked to: the next key as well.
};

/// How bad the world of one seed is: a swarm of different mixes. Chances are per occasion.
struct Settings {
  uint64_t seed = 0;
  Mutation mutation = Mutation::kNone;
  int agents = 3;
  int applications = 4;
  int repositories = 1;
  bool config_repository = false;               // Resources come from Git.
  absl::Duration busy = absl::Minutes(5);       // How long faults and people go on.
  absl::Duration operation = absl::Seconds(5);  // Between two operations of people, on average.

  double hub_crash = 0;      // Per effect.
  double agent_crash = 0;    // Per effect and per object.
  double power_loss = 0;     // Per crash of an agent: what was not synced is gone.
  double append_fails = 0;   // Per batch.
  double stream_breaks = 0;  // Per message.
  double repeats = 0;      // Per message: comes a second time, later, in whatever session there is.
  double fetch_fails = 0;  // Per fetch of a repository.
  double disk_full = 0;    // Per write of an agent.
  double sync_fails = 0;   // Per write of an agent: none is kept from then on until it restarts.
  double target_fails = 0;    // Per object.
  double spells = 0;          // Per operation: something stays bad for a while.
  double foreign_writes = 0;  // Per operation.
  double restores = 0;        // Per crash of the hub: an older copy comes back.
  absl::Duration delay_max = absl::Milliseconds(50);  // Of one message.
  double documents_lost = 0;         // Per fetch of a document: the hub has let go of it.
  size_t desired_bytes = 128 << 10;  // See DeliveryLimits.
  size_t delta_bytes = 64 << 10;
  bool marks_objects = true;  // The target has UIDs and owners, as Kubernetes; else as a directory.
};

/// Drawn from the seed alone.
Settings DrawSettings(uint64_t seed);

}  // namespace lockstep::sim
