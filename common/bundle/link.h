#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/digest.h"
#include "common/bundle/delta.h"
#include "common/bundle/document.h"
#include "common/bundle/manifest.h"
#include "common/status/report.h"

/// The messages of hub and agent in our own types. `common/rpc` checks what arrives and converts
/// both ways; what stands here has passed it. docs/protocol.md is the specification,
/// proto/lockstep/v1/agent.proto the wire; a field without a comment here is described there.
namespace lockstep {

inline constexpr uint32_t kProtocolVersion = 1;

enum class TargetKind : uint8_t { kDirectory, kKubernetes };

/// How far a hub's decisions have gone: SECURITY D-7.
struct CommitPoint {
  uint64_t counter = 0;
  Digest chain;

  friend bool operator==(const CommitPoint&, const CommitPoint&) = default;
};

struct Hello {
  uint32_t proto_min = kProtocolVersion;
  uint32_t proto_max = kProtocolVersion;
  std::string version;
  std::string target_uid;  // 16 bytes.
  uint64_t start_counter = 0;
  CommitPoint seen;
  std::vector<Digest> revoked;
  std::string hub_incarnation;
  uint64_t epoch = 0;
  uint64_t desired_seq = 0;
  uint64_t status_seq_acked = 0;
  Digest cluster_root;
  TargetKind target = TargetKind::kDirectory;
  std::map<std::string, std::string> facts;
};

enum class Verdict : uint8_t { kNoop, kDelta, kProbe, kHubBehind, kNotAccepted };

struct Welcome {
  std::string session;          // 16 bytes.
  std::string hub_incarnation;  // 16 bytes.
  uint64_t epoch = 0;
  CommitPoint at;
  Verdict verdict = Verdict::kNoop;
  absl::Duration beat = absl::Seconds(10);
  absl::Duration spread = absl::Seconds(1);
  absl::Time server_time;
  std::vector<Digest> revoked;
};

/// A delta with the blobs that travel in it. Encoded once for all agents that go the same way.
struct DeltaMessage {
  BundleDelta delta;
  std::map<Digest, std::string> data;  // Blobs that the hub thinks the agent lacks.
};

enum class ReleaseObjects : uint8_t { kOrphan, kDelete };

/// A delta, where it lies to be fetched, or that the application goes.
using TargetContent =
    std::variant<std::shared_ptr<const DeltaMessage>, DocumentReference, ReleaseObjects>;

/// The target of one application on one agent.
struct ApplicationTarget {
  std::string name;  // NAMESPACE/NAME.
  uint64_t generation = 0;
  TargetContent content;
  Digest options_digest;
  std::optional<std::string> options;  // EncodeOptions; absent where the agent has it.
  std::optional<Digest> approved;      // KeyListDigest of what may be deleted.
  bool complete = false;
  std::string revision;               // REF@sha1:COMMIT, for people.
  std::vector<ObjectKey> tombstones;  // Those of a document stand in it.
  bool accept_foreign = false;

  bool releases() const { return std::holds_alternative<ReleaseObjects>(content); }
  /// The manifest's digest that its delta ends at. Only where it does not release.
  const Digest& manifest() const {
    const auto* reference = std::get_if<DocumentReference>(&content);
    if (reference != nullptr) return reference->target;
    return std::get<std::shared_ptr<const DeltaMessage>>(content)->delta.target;
  }
};

struct Desired {
  uint64_t seq = 0;
  uint64_t epoch = 0;
  CommitPoint at;
  Digest cluster_root;  // After this message.
  std::vector<ApplicationTarget> applications;
};

struct ApplicationAck {
  enum class Code : uint8_t { kInvalid, kStale, kDeleteGuard, kTooLarge, kNoSpace, kTransient };

  std::string name;
  uint64_t generation = 0;
  Code code = Code::kInvalid;
  std::string message;
  bool retryable = false;
};

struct Ack {
  uint64_t received_through = 0;
  std::vector<ApplicationAck> refused;
  Digest cluster_root;
};

struct HeldApplication {
  std::string name;
  uint64_t generation = 0;
  Digest manifest;
  Digest options_digest;
  bool releasing = false;
};

struct Pages {
  std::vector<HeldApplication> applications;
};

struct StatusAck {
  uint64_t through = 0;
};

struct Beat {
  std::string root_prefix;  // 8 bytes.
  uint64_t status_seq = 0;
};

struct Command {
  struct Report {};
  struct Sync {
    std::vector<std::string> applications;  // Empty: all.
  };

  uint64_t id = 0;
  std::variant<Report, Sync> action;
};

struct Goodbye {
  enum class Reason : uint8_t { kShutdown, kReplaced, kRemoved, kRevoked, kBusy, kVersion };

  Reason reason = Reason::kShutdown;
  absl::Duration retry_after = absl::ZeroDuration();
  std::string message;
};

struct CertificateRequest {
  std::string public_key;  // DER.
  std::string proof;
};

struct CertificateIssued {
  std::vector<std::string> chain;  // DER, leaf first.
  absl::Time not_after;
};

using AgentMessage = std::variant<Hello, Ack, StatusReport, Beat, Pages, CertificateRequest>;
using HubMessage = std::variant<Welcome, Desired, StatusAck, Command, Goodbye, CertificateIssued>;

}  // namespace lockstep
