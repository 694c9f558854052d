#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"

/// Builds and parses every stored key, and draws every layout. Fields go from general to specific,
/// so that a prefix is a question one asks; names end in NUL and hold none (they were checked where
/// they entered; building a key of such a name aborts); integers are 8 bytes, big-endian; digests
/// raw, 32 bytes. So bytewise order is the order of the fields.
///
/// What belongs to one cluster begins with its shard, one byte, 0 as long as there is one hub
/// (SCALE-OUT stage 2).
///
/// Each XKey(…) has its ParseXKey, which gives DATA_LOSS for bytes that are no such key.
namespace lockstep {

inline constexpr char kShard = '\0';

/// Family::kMeta:  name '\0'
std::string MetaKey(absl::string_view name);
absl::StatusOr<std::string> ParseMetaKey(absl::string_view key);

/// Family::kResource:  kind '\0' namespace '\0' name '\0'          (namespace is empty for Cluster,
/// ClusterGroup, Project)
struct ResourceId {
  std::string kind;
  std::string namespace_;
  std::string name;

  friend auto operator<=>(const ResourceId&, const ResourceId&) = default;
  friend bool operator==(const ResourceId&, const ResourceId&) = default;
};
std::string ResourceRecordKey(const ResourceId& id);
absl::StatusOr<ResourceId> ParseResourceRecordKey(absl::string_view key);
std::string ResourcePrefix(absl::string_view kind);
std::string ResourcePrefix(absl::string_view kind, absl::string_view namespace_);

/// Family::kSource:  namespace '\0' name '\0'
struct SourceId {
  std::string namespace_;
  std::string name;

  friend auto operator<=>(const SourceId&, const SourceId&) = default;
  friend bool operator==(const SourceId&, const SourceId&) = default;
};
std::string SourceKey(const SourceId& id);
absl::StatusOr<SourceId> ParseSourceKey(absl::string_view key);

/// Family::kAssignment, Family::kStatus:  shard cluster '\0' application '\0'       (application is
/// "NAMESPACE/NAME")
///
/// A status that concerns the cluster as a whole has an empty application and so comes first.
struct PlaceId {
  std::string cluster;
  std::string application;

  friend auto operator<=>(const PlaceId&, const PlaceId&) = default;
  friend bool operator==(const PlaceId&, const PlaceId&) = default;
};
std::string PlaceKey(const PlaceId& id);
absl::StatusOr<PlaceId> ParsePlaceKey(absl::string_view key);
std::string PlacePrefix(absl::string_view cluster);

/// Family::kRelease:  application '\0' sequence cluster '\0'         (a sequence that only grows,
/// oldest first)
///
/// The record of a release as a whole has an empty cluster and so comes before its clusters.
struct ReleaseId {
  std::string application;
  uint64_t sequence = 0;
  std::string cluster;

  friend auto operator<=>(const ReleaseId&, const ReleaseId&) = default;
  friend bool operator==(const ReleaseId&, const ReleaseId&) = default;
};
std::string ReleaseKey(const ReleaseId& id);
absl::StatusOr<ReleaseId> ParseReleaseKey(absl::string_view key);
std::string ReleasePrefix(absl::string_view application);
std::string ReleasePrefix(absl::string_view application, uint64_t sequence);

/// Family::kEvent:  sequence
std::string EventKey(uint64_t sequence);
absl::StatusOr<uint64_t> ParseEventKey(absl::string_view key);

/// Family::kBlob:  digest
std::string BlobKey(const Digest& digest);
absl::StatusOr<Digest> ParseBlobKey(absl::string_view key);

/// Family::kChain:  counter
std::string ChainKey(uint64_t counter);
absl::StatusOr<uint64_t> ParseChainKey(absl::string_view key);

/// Family::kIdentity:  't' SHA-256 of a join token | 'r' fingerprint of a revoked key | 'c' cluster
/// '\0' (its enrolment)
enum class IdentityRecordKind : char { kCluster = 'c', kRevoked = 'r', kToken = 't' };
struct IdentityId {
  IdentityRecordKind kind = IdentityRecordKind::kCluster;
  Digest digest;        // kRevoked, kToken.
  std::string cluster;  // kCluster.

  friend bool operator==(const IdentityId&, const IdentityId&) = default;
};
std::string IdentityKey(const IdentityId& id);
absl::StatusOr<IdentityId> ParseIdentityKey(absl::string_view key);
std::string IdentityPrefix(IdentityRecordKind kind);

}  // namespace lockstep
