#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "common/base/digest.h"
#include "common/bundle/delta.h"
#include "common/bundle/document.h"
#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "hub/core/event.h"

namespace lockstep {

/// Of one Desired: what travels in it besides digests. Larger contents are fetched.
inline constexpr size_t kInlineBytesMax = 128 << 10;
/// Small contents that are kept at hand for sending.
inline constexpr size_t kBlobCacheBytesMax = 64 << 20;
inline constexpr size_t kDeltaCacheBytesMax = 64 << 20;
/// Documents for agents to fetch: at least those of one Desired.
inline constexpr size_t kDocumentCacheBytesMax = 128 << 20;

/// Which keys a way takes from an application and which it brings, by hash: equal keys have equal
/// hashes, on every machine.
struct KeyMoves {
  std::vector<uint64_t> lost;
  std::vector<uint64_t> gained;
};

uint64_t HashOfKey(const ObjectKey& key);

/// The newest blobs, up to so many bytes.
class RecentBlobs {
 public:
  explicit RecentBlobs(size_t bytes_max) : bytes_max_(bytes_max) {}

  void Add(const Digest& digest, BlobBytes bytes);
  /// Null where there is none.
  BlobBytes Find(const Digest& digest) const;

 private:
  size_t bytes_max_;
  size_t bytes_ = 0;
  std::deque<Digest> order_;  // Of arrival.
  absl::flat_hash_map<Digest, BlobBytes> blobs_;
};

/// Ways between manifests, computed once for all agents that go them, and the small contents that
/// were rendered lately. A cache: forgetting anything changes no decision, only whether an agent
/// fetches what it could have been sent.
class DeltaCache {
 public:
  /// From `base` to `target`, without contents.
  std::shared_ptr<const BundleDelta> Find(const Manifest& base, const Manifest& target);

  /// Roughly what it takes on the wire, without contents.
  size_t WireBytes(const Manifest& base, const Manifest& target) {
    return WayOf(base, target).wire_bytes;
  }

  std::shared_ptr<const KeyMoves> Moves(const Manifest& base, const Manifest& target);

  /// The same as Find with the contents that `target` has, `base` lacks, and that are at hand, as
  /// long as they fit `budget` bytes; lowers `budget` by what went in. Shared between agents that
  /// ask for the same with enough budget.
  std::shared_ptr<const DeltaMessage> Message(const ManifestPtr& base, const ManifestPtr& target,
                                              size_t* budget);

  /// The way as a document, with what is to be deleted by name.
  DocumentReference Document(const Manifest& base, const Manifest& target,
                             const std::vector<ObjectKey>& tombstones);
  /// A document that was made lately; null where it is not at hand any more.
  BlobBytes FindDocument(const Digest& digest) const { return documents_.Find(digest); }

  void AddBlob(const Digest& digest, BlobBytes bytes);

 private:
  struct Way {
    std::shared_ptr<const BundleDelta> delta;
    size_t wire_bytes = 0;
    std::shared_ptr<const KeyMoves> moves;        // Made at first use.
    std::optional<DocumentReference> document;    // Without tombstones; made at first use.
    std::shared_ptr<const DeltaMessage> message;  // Made at first use.
    size_t bytes = 0;                             // Of the message's contents.
  };

  Way& WayOf(const Manifest& base, const Manifest& target);

  absl::flat_hash_map<std::pair<Digest, Digest>, Way> ways_;  // Emptied when full.
  size_t way_bytes_ = 0;
  RecentBlobs blobs_{kBlobCacheBytesMax};
  RecentBlobs documents_{kDocumentCacheBytesMax};
};

}  // namespace lockstep
