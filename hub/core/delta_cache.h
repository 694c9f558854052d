#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include <absl/container/flat_hash_map.h>

#include "common/base/digest.h"
#include "common/bundle/delta.h"
#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "hub/core/event.h"

namespace lockstep {

/// Of one Desired: what travels in it besides digests. Larger contents are fetched.
inline constexpr size_t kInlineBytesMax = 128 << 10;
/// Small contents that are kept at hand for sending.
inline constexpr size_t kBlobCacheBytesMax = 64 << 20;
inline constexpr size_t kDeltaCacheBytesMax = 64 << 20;

/// Ways between manifests, computed once for all agents that go them, and the small contents that
/// were rendered lately. A cache: forgetting anything changes no decision, only whether an agent
/// fetches what it could have been sent.
class DeltaCache {
 public:
  /// From `base` to `target`, without contents.
  std::shared_ptr<const BundleDelta> Find(const Manifest& base, const Manifest& target);

  /// The same with the contents that `target` has, `base` lacks, and that are at hand, as long as
  /// they fit `budget` bytes; lowers `budget` by what went in. Shared between agents that ask for
  /// the same with enough budget.
  std::shared_ptr<const DeltaMessage> Message(const ManifestPtr& base, const ManifestPtr& target,
                                              size_t* budget);

  void AddBlob(const Digest& digest, BlobBytes bytes);

 private:
  struct Way {
    std::shared_ptr<const BundleDelta> delta;
    std::shared_ptr<const DeltaMessage> message;  // Made at first use.
    size_t bytes = 0;                             // Of the message's contents.
  };

  Way& WayOf(const Manifest& base, const Manifest& target);

  absl::flat_hash_map<std::pair<Digest, Digest>, Way> ways_;  // Emptied when full.
  size_t way_bytes_ = 0;
  std::deque<Digest> order_;  // Of arrival.
  absl::flat_hash_map<Digest, BlobBytes> blobs_;
  size_t blob_bytes_ = 0;
};

}  // namespace lockstep
