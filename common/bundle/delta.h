#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/bundle/manifest.h"

namespace lockstep {

/// The way from one manifest to another, in our own types; `rpc` writes it to the wire.
struct BundleDelta {
  struct Change {
    std::optional<uint32_t> position;  // In the base manifest; absent for a new key.
    ObjectKey key;                     // Only where position is absent.
    Digest blob;
  };

  Digest base;
  Digest target;
  std::vector<Change> changes;    // By key.
  std::vector<uint32_t> removed;  // Positions in the base manifest, ascending: the tombstones.
};

/// What has to change for `base` to become `target`. Linear.
BundleDelta ComputeDelta(const Manifest& base, const Manifest& target);

/// Applies `delta` to `base` and returns the manifest that was meant.
///
/// Errors: FAILED_PRECONDITION where the delta does not start from `base` (ask for the full
/// manifest); INVALID_ARGUMENT for a position outside it or named twice, or a key that breaks the
/// grammar; DATA_LOSS where the result's digest is not `delta.target`.
absl::StatusOr<ManifestPtr> ApplyDelta(const Manifest& base, const BundleDelta& delta);

/// The keys that `delta` removes from `base`, sorted. Positions outside are left out.
std::vector<ObjectKey> RemovedKeys(const Manifest& base, const BundleDelta& delta);

}  // namespace lockstep
