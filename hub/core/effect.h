#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>

#include "common/bundle/link.h"
#include "hub/core/event.h"
#include "hub/record/batch.h"

/// What Step asks the loop to do. All writes of a batch of events are durable before any other
/// effect of it leaves.
namespace lockstep {

namespace reply {

struct Done {};

struct Applied {
  enum class Outcome : uint8_t { kCreated, kConfigured, kUnchanged };
  struct Result {
    ResourceKey key;
    Outcome outcome = Outcome::kUnchanged;
    std::vector<std::string> warnings;
    int64_t generation = 0;
  };
  std::vector<Result> results;
};

/// Deletes of one application on one cluster.
struct HeldList {
  std::string cluster;
  std::vector<ObjectKey> objects;  // Sorted.
  Digest digest;                   // KeyListDigest.
};

struct Deleted {
  std::vector<HeldList> lists;           // With dry_run and kDelete.
  std::vector<std::string> waiting_for;  // Clusters.
};

struct Synced {
  std::string revision;
  bool changed = false;
};

struct Resumed {
  std::string still_suspended_by;
};

struct Approved {
  std::vector<HeldList> approved;
  std::vector<HeldList> left;
};

struct TokenMade {
  bool created_cluster = false;
  absl::Time expires;
};

struct Redeemed {
  std::string cluster;
};

struct Accepted {
  std::vector<std::string> applications;
};

struct Labelled {
  std::map<std::string, std::string> labels;
};

struct Removed {
  bool told = false;
};

struct OrphansRequested {
  int requested = 0;
};

}  // namespace reply

using ReplyBody =
    std::variant<reply::Done, reply::Applied, reply::Deleted, reply::Synced, reply::Resumed,
                 reply::Approved, reply::TokenMade, reply::Redeemed, reply::Accepted,
                 reply::Labelled, reply::Removed, reply::OrphansRequested>;

/// One (application, cluster) to render.
struct RenderJob {
  std::shared_ptr<const Application> application;
  std::shared_ptr<const ClusterFacts> cluster;
  Digest previous_input;  // RenderOutcome::input of the outcome that the core still has; zero for
                          // none.
};

namespace effect {

/// At most one per Step, and the first of its effects.
struct Write {
  Batch batch;
};

struct Send {
  SessionId session = 0;
  HubMessage message;  // The loop stamps the CommitPoint of Welcome and Desired.
};

/// No event of this session follows, SessionClosed included.
struct CloseSession {
  SessionId session = 0;
  std::optional<Goodbye> goodbye;  // Sent before.
};

/// Answered by one FetchDone. At most one per repository is under way, but for those of a
/// repository that was deleted meanwhile: nobody waits for their answers.
struct StartFetch {
  NamespacedName repository;
  std::shared_ptr<const GitRepository> specification;
  std::optional<SealedSecret> secret;
  uint64_t job = 0;  // Never used twice while the program runs.
};

/// Answered by one RenderDone. At most one per repository is under way, as for fetches.
struct StartRender {
  NamespacedName repository;
  std::shared_ptr<const GitRepository> specification;
  std::string revision;  // REF@sha1:COMMIT.
  std::string commit;
  std::vector<RenderJob> jobs;  // By application, cluster.
  uint64_t job = 0;             // Never used twice while the program runs.
};

/// Answered by one ConfigRead. At most one is under way.
struct ReadConfig {
  NamespacedName repository;
  std::string revision;
  std::string commit;
  uint64_t job = 0;  // Never used twice while the program runs.
};

struct Reply {
  uint64_t request = 0;
  absl::StatusOr<ReplyBody> result;
};

/// Something that people can see changed.
struct Notify {};

/// These keys, all that are revoked, may not connect any more.
struct RevokeKeys {
  std::vector<Digest> fingerprints;
};

}  // namespace effect

using Effect = std::variant<effect::Write, effect::Send, effect::CloseSession, effect::StartFetch,
                            effect::StartRender, effect::ReadConfig, effect::Reply, effect::Notify,
                            effect::RevokeKeys>;

}  // namespace lockstep
