#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/base/digest.h"
#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "hub/core/origins.h"
#include "hub/fleet/resource.h"

/// Everything that can happen to a hub. What stands in an event has been checked where it came in:
/// resources by hub/fleet, messages by common/rpc, identities by the certificate. Step takes events
/// one after another.
namespace lockstep {

/// One stream of one agent; never used twice while the program runs.
using SessionId = uint64_t;

using BlobBytes = std::shared_ptr<const std::string>;

/// A Secret as the core knows it: sealed bytes that only the shell can open.
struct SealedSecret {
  struct Key {
    std::string name;
    uint32_t bytes = 0;

    friend bool operator==(const Key&, const Key&) = default;
  };

  std::string sealed;
  std::vector<Key> keys;  // By name.
  Digest content;  // A keyed digest of the plain content: equal for equal content, useless without
                   // the key.
};

/// One resource as somebody declared it: parsed strictly, validated by itself. References are the
/// core's to judge.
struct DeclaredResource {
  Resource
      resource;  // What the hub sets in `meta` is not looked at; a Secret comes without its data.
  std::optional<SealedSecret> secret;  // For Secrets.
  std::string place;                   // FILE:LINE, for messages; from Git the file alone.
  std::vector<std::string> warnings;   // Sentences from validation, for the reply.
};

namespace command {

/// Creates or changes all of them, or nothing.
struct Apply {
  std::vector<DeclaredResource> resources;
  bool dry_run = false;
};

/// An approval of exactly these deletes on one cluster.
struct ApprovedList {
  std::string cluster;
  Digest digest;  // KeyListDigest.
};

struct Delete {
  enum class Objects : uint8_t { kByPolicy, kOrphan, kDelete };

  ResourceKey key;
  Objects objects = Objects::kByPolicy;
  std::vector<ApprovedList> approved;  // With kDelete.
  bool dry_run = false;
};

struct Sync {
  ResourceKey key;  // A GitRepository or an Application.
};

struct Suspend {
  ResourceKey key;
  std::string reason;
};

struct Resume {
  ResourceKey key;
};

/// See fleet.proto's ApproveDeletes.
struct ApproveDeletes {
  NamespacedName application;
  std::string cluster;
  bool all = false;
  std::vector<ApprovedList> expected;
  bool dry_run = false;
};

/// This hub, although its agents know a later state.
struct ApproveHub {};

/// The deletes of resources that vanished from the configuration repository.
struct ApproveConfig {};

struct LabelCluster {
  std::string cluster;
  std::map<std::string, std::string> set;
  std::vector<std::string> remove;
};

struct AcceptCluster {
  std::string cluster;
  std::string application;  // NAMESPACE/NAME; empty: all.
};

struct RemoveCluster {
  std::string cluster;
};

/// The secret itself never comes here.
struct CreateJoinToken {
  std::string cluster;
  std::map<std::string, std::string> labels;
  Digest token;  // SHA-256 of the secret.
  absl::Duration lifetime = absl::Minutes(15);
};

/// From the enrolment endpoint, after the proof of possession of the key held. Single use.
struct RedeemToken {
  Digest token;  // SHA-256 of the secret that was shown.
  std::string cluster;
  Digest fingerprint;      // Of the agent's key.
  std::string target_uid;  // 16 bytes.
};

struct OrphanList {
  std::string cluster;
  std::string application;  // NAMESPACE/NAME.
  std::vector<ObjectKey> objects;
};

/// What an application left on a cluster, as it was shown.
struct ShownOrphans {
  std::string cluster;
  std::string application;  // NAMESPACE/NAME.
  Digest digest;            // KeyListDigest.
};

struct DeleteOrphans {
  std::vector<ShownOrphans> lists;
};

}  // namespace command

namespace event {

/// Somebody asks for something; answered by exactly one effect::Reply with the same `request`.
struct Command {
  uint64_t request = 0;
  std::string by;  // Who: a user's name, "hub", or an enrolling cluster's "token".
  std::variant<command::Apply, command::Delete, command::Sync, command::Suspend, command::Resume,
               command::ApproveDeletes, command::ApproveHub, command::ApproveConfig,
               command::LabelCluster, command::AcceptCluster, command::RemoveCluster,
               command::CreateJoinToken, command::RedeemToken, command::DeleteOrphans>
      action;
};

/// What a fetch found.
struct Fetched {
  std::string revision;  // REF@sha1:COMMIT.
  std::string commit;    // 40 hex digits.
  bool forced = false;   // History was rewritten: the commit does not descend from the one before.
};

struct FetchDone {
  NamespacedName repository;
  absl::StatusOr<Fetched> result;
  uint64_t job = 0;  // StartFetch::job.
};

/// What rendering made of one application for one cluster.
struct RenderOutcome {
  struct Rendered {
    ManifestPtr manifest;
    OriginsPtr origins;
    std::vector<std::string> warnings;
  };
  struct Unchanged {};    // The inputs were as `RenderJob::previous_input` says.
  struct MissingPath {};  // The path is not in the revision.

  std::string application;  // NAMESPACE/NAME.
  std::string cluster;
  Digest input;  // Over everything that was read and every parameter; zero with an error.
  std::variant<Rendered, Unchanged, MissingPath, absl::Status> result;
};

struct RenderDone {
  NamespacedName repository;
  std::string revision;  // REF@sha1:COMMIT.
  std::vector<RenderOutcome> outcomes;
  // Objects, manifests and origins that the store does not hold yet, by digest: written with what
  // names them.
  std::map<Digest, BlobBytes> blobs;
  uint64_t job = 0;  // StartRender::job.
};

/// What the configuration repository declares at a revision.
struct ConfigRead {
  struct FileError {
    std::string file;
    std::string message;
  };

  std::string revision;
  // Not OK: nothing could be read; then the rest is empty. INVALID_ARGUMENT: there is nothing to
  // read at this revision (PATH is missing, …); else the next fetch has it read again.
  absl::Status whole;
  std::vector<DeclaredResource> resources;
  std::vector<FileError> errors;
  uint64_t job = 0;  // ReadConfig::job.
};

/// First of a session. The certificate was good; the core decides whether cluster and key still
/// are.
struct AgentHello {
  SessionId session = 0;
  std::string session_name;  // 16 bytes, for Welcome.
  std::string cluster;
  Digest fingerprint;
  Hello hello;
  // Filled by the loop: the hash that this hub's chain has at `hello.seen.counter`, if it still
  // knows.
  std::optional<Digest> chain_at_seen;
};

struct AgentSaid {
  SessionId session = 0;
  std::variant<Ack, StatusReport, Beat, Pages> message;
};

struct SessionClosed {
  SessionId session = 0;
};

/// Time passed; see NextDue.
struct Tick {
  // More events wait that came before this: what agents said may be among them, and nobody is
  // judged by silence.
  bool backlog = false;
};

}  // namespace event

using Event = std::variant<event::Command, event::FetchDone, event::RenderDone, event::ConfigRead,
                           event::AgentHello, event::AgentSaid, event::SessionClosed, event::Tick>;

}  // namespace lockstep
