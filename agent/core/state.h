#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
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
    bool deletes = false;
  };

  // What is to be looked at next.
  bool everything = true;
  std::set<ObjectKey> dirty;
  bool deletes_due = true;                  // Tombstones that are not held may be carried out.
  std::map<ObjectKey, absl::Time> noticed;  // Changes by others and when they were heard of.
  // Tombstones that are done with although that could not be kept: others may use their names by
  // now, so the record alone is tried again.
  std::set<ObjectKey> unrecorded;
  std::optional<Run> run;
  int failures = 0;      // Runs in a row.
  bool settled = false;  // This generation has been carried out.
  bool lacks_account =
      false;  // It names none to act as, and the target needs one: nothing is done.

  // What the last runs found, by object.
  std::map<ObjectKey, absl::Status> problems;
  std::map<ObjectKey, ReconcileOutcome::Foreign> foreign;  // What lies at its place.
  std::map<ObjectKey, ObjectProblem> unhealthy;

  // What is said of it, and by which status it was said last.
  ApplicationReport report;
  bool stale = true;      // Something happened that the report may not say yet.
  bool changed = true;    // Not sent in this form yet.
  uint64_t sent_seq = 0;  // 0: never.
};

/// A Desired that waits for documents, or for blobs once it has those.
struct PendingDesired {
  Desired desired;
  std::vector<Digest> missing;
  std::vector<DocumentReference> documents;
};

/// What a Persist on its way is for.
struct PendingPersist {
  enum class Cause : uint8_t { kStart, kNote, kAccept, kOutcome, kRemove };

  Cause cause = Cause::kNote;
  std::vector<Record> records;
  // kAccept.
  std::vector<ApplicationAck> refused;
  std::map<std::string, std::vector<ObjectKey>> changed;  // Accepted, with what to look at.
  // kOutcome.
  ReconcileOutcome outcome;
  // kRemove.
  std::string reason;
};

struct Session {
  bool welcomed = false;
  absl::Duration beat = absl::Seconds(10);
  bool spoke = false;   // Something was sent since the last beat.
  bool adopts = false;  // The hub follows the target that was found, whether or not that is kept.
};

/// A Fetch on its way.
struct PendingFetch {
  uint64_t id = 0;
  std::vector<Digest> digests;
  std::vector<DocumentReference> documents;
};

/// All of an agent's state. Step alone changes it.
struct AgentState {
  DurableState durable;
  AgentFacts facts;
  std::map<std::string, LiveApplication> live;  // The same names as durable.applications.

  std::optional<Session> session;
  bool hub_behind = false;  // The hub knows less than it once told: nothing is accepted or deleted.
  bool stopped = false;

  std::optional<PendingDesired> pending;
  bool unserved = false;      // The hub no longer had what one referred to: it is to compare anew.
  std::set<Digest> fetched;   // In the store, named by no manifest yet.
  std::set<Digest> fetching;  // By the newest Fetch; some may have come before its link broke.
  std::map<Digest, std::string> documents;  // Fetched for `pending`, in memory only.
  std::set<Digest> damaged;                 // Named by a manifest and not readable any more.
  std::optional<PendingFetch> fetch;
  int fetch_failures = 0;  // In a row.
  std::optional<PendingPersist> persisting;

  uint64_t chance = 0;   // State of the jitter's generator.
  uint64_t next_id = 1;  // Of runs and fetches.

  // Statuses are numbered from above start_counter << 32: they grow over restarts without a write.
  uint64_t status_seq = 0;
  uint64_t status_acked = 0;
  bool report_full = true;
  bool status_timer = false;
  std::vector<DriftReport> drifts;                           // Not sent yet.
  std::map<uint64_t, std::vector<DriftReport>> drifts_sent;  // By status, not acknowledged yet.
};

/// Whether the target that was found is not the one that the agent kept before, and nobody has
/// accepted it yet.
bool TargetChanged(const AgentState& state);

/// Blobs that a sweep leaves, beside those that manifests name.
std::set<Digest> BlobsToKeep(const AgentState& state);

/// Drift reports that wait at most, and that are not acknowledged; the oldest give way.
inline constexpr size_t kDriftsMax = 256;
/// How long a change of status waits for others, terminal ones apart.
inline constexpr absl::Duration kStatusGather = absl::Milliseconds(200);
/// Retries of what can heal.
inline constexpr absl::Duration kRetryFirst = absl::Seconds(1);
inline constexpr absl::Duration kRetryMax = absl::Minutes(5);
/// One application on one cluster.
inline constexpr size_t kObjectsMax = 100'000;

}  // namespace lockstep
