#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/base/digest.h"
#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "common/bundle/options.h"
#include "common/status/report.h"
#include "hub/core/delta_cache.h"
#include "hub/core/event.h"
#include "hub/core/origins.h"
#include "hub/fleet/resource.h"

/// All that a hub knows. Plain values: Step changes them, queries read them on the loop thread,
/// hub/core/records.h brings them to and from the store. Comments say what is durable; the rest is
/// rebuilt after a start.
namespace lockstep {

/// A suspension by the verb.
struct SuspensionRecord {
  std::string by;
  absl::Time since;
  std::string reason;
};

/// Durable.
struct ResourceState {
  std::shared_ptr<const Resource>
      resource;  // With uid, creation time and generation; a Secret without its data.
  std::string author;
  bool from_git = false;  // The configuration repository holds it.
  std::string file;       // Where, with from_git.
  std::optional<SuspensionRecord> suspension;
  std::optional<SealedSecret> secret;  // For Secrets.
  absl::Time changed;                  // The specification or a Secret's content.

  // A resource that goes. meta.deletion_time of `resource` says since when.
  bool going = false;
  command::Delete::Objects going_objects = command::Delete::Objects::kByPolicy;

  const Meta& meta() const { return MetaOf(*resource); }
};

/// What a rendering was asked with.
struct RenderQuestion {
  std::shared_ptr<const GitRepository> repository;
  std::map<std::string, std::shared_ptr<const Application>> applications;  // NAMESPACE/NAME.
  std::map<std::string, std::shared_ptr<const ClusterFacts>> clusters;
};

/// One repository. Durable but for what is under way.
struct SourceState {
  std::string revision;  // REF@sha1:COMMIT of the last good fetch; empty before the first.
  std::string commit;    // Its 40 hex digits.
  std::string rendered;  // The commit whose outcomes the core has; empty: render again.
  absl::Time last_fetch = absl::InfinitePast();  // When the remote last answered.
  absl::Status error;                            // Of the last fetch.
  int failures = 0;                              // In a row.
  // A person approved a hub that had lost state, and Git was not asked since: what is known of it
  // may be older than what agents have, and is not rendered.
  bool unconfirmed = false;

  // Not durable.
  absl::Time next_due = absl::InfinitePast();
  bool fetching = false;
  uint64_t fetch_job =
      0;  // Of the one under way: what another one brings is of what was here before.
  bool fetch_again = false;  // Asked for while one was under way.
  bool discard = false;      // What the fetch under way brings is of an older specification.
  bool rendering = false;
  uint64_t render_job = 0;  // As fetch_job.
  RenderQuestion question;  // … of it: what changed since is not answered by what it brings.
  bool render_again = false;
  std::string rendering_commit;
  std::vector<uint64_t> waiting;       // Requests to answer when the fetch under way ends.
  std::vector<uint64_t> waiting_next;  // … when the one after it ends.
};

/// What rendering made of an application for a cluster and the planner has not let through yet.
struct Candidate {
  ManifestPtr manifest;
  OriginsPtr origins;
  std::string revision;
  bool missing_path = false;  // It is empty because the path is gone and missingPath is skip.
  bool unconfirmed = false;   // As Assignment::unconfirmed.
};

/// What an application should be on a cluster: the newest decision.
struct Assignment {
  uint64_t generation = 0;  // 0: none was made yet.
  ManifestPtr manifest = EmptyManifest();
  OriginsPtr origins;
  ApplicationOptions options;
  Digest options_digest;
  std::string revision;
  absl::Time time;
  std::optional<ReleaseObjects> release;  // The application goes from this cluster.
  std::optional<Digest> approved;
  std::vector<ObjectKey> tombstones;  // Orphans that a person deletes.
  bool accept_foreign = false;
  bool missing_path = false;
  // Made before a person approved a hub that had lost state: it may be older than what the agent
  // has. Not sent until a newer rendering says the same or replaces it.
  bool unconfirmed = false;
};

/// What the agent made durable, as far as the hub knows.
struct ReceivedTarget {
  uint64_t generation = 0;
  ManifestPtr manifest = EmptyManifest();
  Digest options_digest;
  bool releasing = false;
};

/// A target that the agent refused, and will not be sent again unless the refusal may heal.
struct Refusal {
  uint64_t generation = 0;
  ApplicationAck::Code code = ApplicationAck::Code::kInvalid;
  std::string message;
  absl::Time retry_at = absl::InfiniteFuture();
};

/// One application on one cluster.
struct Instance {
  // Durable decisions.
  bool placed = true;  // The application's placement names this cluster; else it lets go of it.
  Assignment assignment;
  std::optional<Candidate>
      waiting;  // The newest outcome, where the planner refused it: its claims are remembered.
  std::string refused;  // Why, naming both files.
  Digest input;  // Of the newest good outcome; zero: what it is to be now was not rendered yet.
  std::string rendered_revision;  // Of the newest outcome, good or bad.
  std::string error;              // The newest outcome is this error; what ran goes on.
  bool missing_path = false;  // The newest outcome: the path is missing and missingPath is skip.
  std::vector<std::string> warnings;
  std::vector<uint64_t> history;         // Sequences of the kept releases, ascending.
  ManifestPtr before = EmptyManifest();  // Assigned before: the agent may still fetch from it.
  std::string before_revision;

  // Durable observations.
  ReceivedTarget received;
  std::optional<ApplicationReport> report;
  absl::Time observed_at = absl::InfinitePast();  // When `report` came.

  // Not durable.
  std::optional<Refusal> refusal;

  bool releasing() const { return assignment.release.has_value(); }
};

/// A Desired that is not acknowledged yet.
struct SentDesired {
  uint64_t seq = 0;
  absl::Time time;
  std::map<std::string, ReceivedTarget> targets;  // By application; generation 0: let go of it.
  Digest root;                                    // Of the agent once it has taken it.
  std::set<Digest> documents;                     // What it refers to and the agent may fetch.
};

/// The stream of an agent.
struct SessionState {
  SessionId id = 0;
  std::string name;       // 16 bytes, for Welcome.
  bool accepted = false;  // May be sent targets.
  bool probing = false;   // Pages are awaited.
  absl::Time last_heard;
  std::deque<SentDesired> in_flight;                       // By seq; at most kInFlightMax.
  bool status_unacked = false;                             // A status waits for its StatusAck.
  std::string root_prefix;                                 // Of the last Beat.
  absl::Time root_differs_since = absl::InfiniteFuture();  // … where it is not what was received.
};

struct ClusterState {
  // Durable: identity.
  std::optional<Digest> fingerprint;  // Of the enrolled key.
  std::string target_uid;         // Of the target that was accepted; empty before the first Hello.
  std::string pending_uid;        // Another one, that waits for `cluster accept`; empty for none.
  uint64_t generation_floor = 0;  // Generations of forgotten instances; new ones start above.

  // Durable observations.
  uint64_t start_counter = 0;  // 0: it was not heard of since it was enrolled.
  uint64_t status_seq = 0;
  absl::Time last_seen = absl::InfinitePast();
  bool online = false;
  std::string agent_version;
  TargetKind target = TargetKind::kDirectory;
  std::map<std::string, std::string> facts;

  std::map<std::string, Instance> instances;  // By application.
  // Durable observations: what the agent let go of and left objects of, by application; none of
  // them has an instance. The agent's journal is the truth; it tells all of it again when asked.
  std::map<std::string, ApplicationReport> left;

  // Not durable.
  uint64_t desired_seq = 0;
  Digest received_root;  // Over what the instances received.
  std::optional<SessionState> session;
  std::deque<SentDesired>
      unanswered;  // Of the session before: the agent may have taken one of them.
  std::shared_ptr<const ClusterFacts> labels;  // Name and labels, for rendering.
};

/// A one-time token, by the digest of its secret. Durable.
struct IssuedToken {
  std::string cluster;
  absl::Time expires;
  std::string by;
};

/// Agents know a later state than this hub, or another history. Durable.
struct BehindState {
  std::map<std::string, CommitPoint>
      agents;                // What each knows, by cluster. Empty: the hub is not behind.
  std::set<Digest> revoked;  // Keys that they know as revoked; not durable, they tell it again.

  // What agents knew when a person approved the hub: no reason to stop again.
  std::map<std::string, CommitPoint> forgiven;
};

/// What the last reading of the configuration repository left to do. Durable.
struct ConfigState {
  std::string revision;
  std::vector<std::string> errors;    // FILE: message.
  std::vector<ResourceKey> vanished;  // Wait for `lockstep approve --config`.
};

/// How much travels in one message to an agent.
struct DeliveryLimits {
  /// Targets of one Desired, without contents; with kInlineBytesMax of those, the Link's 256 KiB.
  /// Only targets that must go together may take more.
  size_t desired_bytes = 128 << 10;
  /// One delta; a larger one is a document that the agent fetches.
  size_t delta_bytes = 64 << 10;
};

/// What a process is started with.
struct HubSettings {
  DeliveryLimits delivery;
  std::string version;
  bool has_config_repository = false;
  GitRepository config_repository;  // lockstep-system/config.
  std::optional<SealedSecret> config_secret;
};

struct HubState {
  HubSettings settings;

  // Durable.
  std::string incarnation;  // 16 bytes.
  uint64_t epoch = 1;
  CommitPoint at;                 // Kept by the loop.
  uint64_t event_sequence = 0;    // The last used one of the audit log.
  uint64_t release_sequence = 0;  // … of the history.
  BehindState behind;
  ConfigState config;
  std::map<ResourceKey, ResourceState> resources;
  std::map<NamespacedName, SourceState> sources;
  std::map<std::string, ClusterState> clusters;
  std::map<Digest, IssuedToken> tokens;
  std::map<Digest, absl::Time> revoked;  // Fingerprint → when.

  // Not durable.
  bool running = false;  // The first Tick was taken.
  bool read_only =
      false;  // The disk is nearly full: set by the loop, no command that changes anything passes.
  absl::Time started;
  // What the wall clock shows beyond the time that Step is given, which no one sets: by how much it
  // was set since the start. Set by the loop.
  absl::Duration clock_ahead;
  absl::flat_hash_map<SessionId, std::string> sessions;  // → cluster.
  std::map<std::string, std::set<std::string>>
      places;  // Application → clusters with an instance of it.
  absl::Time next_liveness = absl::InfinitePast();
  absl::Time next_flush = absl::InfinitePast();
  absl::Time next_retry = absl::InfiniteFuture();       // Of targets that were refused.
  absl::Time next_status_ack = absl::InfiniteFuture();  // Of statuses that wait for it.
  uint64_t command_id = 0;  // The last used one of the commands to agents.
  uint64_t job = 0;         // … of fetches and renders.
  std::vector<std::string>
      quarantined;  // Records that could not be read, for the log and the status.
  DeltaCache deltas;

  const ResourceState* FindResource(const ResourceKey& key) const;
  const ResourceState* FindApplication(absl::string_view name) const;  // NAMESPACE/NAME.
};

/// "NAMESPACE/NAME" → its parts; the name must have come from NamespacedName::ToString.
NamespacedName ParseNamespacedName(absl::string_view text);

}  // namespace lockstep
