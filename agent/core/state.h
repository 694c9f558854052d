#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <absl/time/time.h>

#include "agent/core/event.h"
#include "agent/core/record.h"
#include "common/bundle/link.h"
#include "common/status/report.h"

namespace lockstep {

/// What the core knows of one application beside what is durable.
struct LiveApplication {
  struct Run {
    uint64_t id = 0;
    bool cancelled = false;
    bool everything = false;
    std::vector<ObjectKey> keys;
  };

  // What is to be looked at next.
  bool everything = false;
  std::set<ObjectKey> dirty;
  std::map<ObjectKey, absl::Time> noticed;  // Changes by others and when they were heard of.
  std::optional<Run> run;
  int failures = 0;       // In a row.
  bool compared = false;  // Everything of this generation was looked at and is as it should be.

  // What went wrong in the last runs, by object.
  std::map<ObjectKey, ObjectProblem> problems;
  std::map<ObjectKey, std::string> foreign;
  std::string failure;  // Of the whole application; empty for none.

  // Status: what would be said now, and up to where the hub knows it.
  ApplicationReport report;
  bool changed = true;    // Not sent yet.
  uint64_t sent_seq = 0;  // Of the newest status that carries it.
};

/// A Desired that waits for blobs or for the disk.
struct PendingDesired {
  Desired desired;
  std::vector<Digest> missing;
  uint64_t fetch = 0;
  int failures = 0;
};

/// What a Persist on its way is for.
struct PendingPersist {
  enum class Cause : uint8_t { kStart, kWelcome, kAccept, kOutcome, kForget, kRemove };

  Cause cause = Cause::kStart;
  std::vector<Record> records;
  std::vector<ApplicationAck> refused;      // kAccept.
  std::set<std::string> accepted;           // kAccept: whose target changed.
  std::optional<ReconcileOutcome> outcome;  // kOutcome.
};

struct Session {
  bool welcomed = false;
  absl::Duration beat = absl::Seconds(10);
  bool spoke = false;  // Something was sent since the last beat.
};

/// All of an agent's state. Step alone changes it.
struct AgentState {
  DurableState durable;
  AgentFacts facts;
  std::map<std::string, LiveApplication> live;  // Same names as durable.applications.

  std::optional<Session> session;
  bool hub_behind = false;  // The hub knows less than it once told: nothing is accepted or deleted.
  bool stopped = false;

  std::optional<PendingDesired> pending;  // The newest that lacks blobs.
  std::optional<uint64_t> repair;         // A Fetch of blobs that were damaged.
  std::optional<PendingPersist> persisting;

  uint64_t chance = 0;   // State of the jitter's generator.
  uint64_t next_id = 0;  // Of runs and fetches.

  uint64_t status_seq = 0;
  uint64_t status_acked = 0;
  bool report_full = true;
  bool status_timer = false;
  std::vector<DriftReport> drifts;                           // Not sent yet.
  std::map<uint64_t, std::vector<DriftReport>> drifts_sent;  // By status, not acknowledged yet.
};

/// Drift reports that wait at most; older ones give way.
inline constexpr size_t kDriftsMax = 256;

}  // namespace lockstep
