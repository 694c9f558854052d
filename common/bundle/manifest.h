#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/object/object_key.h"

namespace lockstep {

/// One object of a manifest.
struct ManifestEntry {
  ObjectKey key;
  Digest blob;  // Of the object's canonical JSON.

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

/// What one application is on one cluster: its objects by key, each with its blob. Immutable; its
/// digest names it.
///
/// Shared between clusters with equal inputs, across threads.
class Manifest {
 public:
  /// Nothing. Its digest is the zero digest.
  Manifest() = default;

  /// Sorts the entries. INVALID_ARGUMENT names a key that stands twice or breaks the grammar
  /// (CheckObjectKey).
  static absl::StatusOr<std::shared_ptr<const Manifest>> Make(std::vector<ManifestEntry> entries);

  /// Reads what Encode wrote. DATA_LOSS for anything else, unsorted or trailing bytes included.
  static absl::StatusOr<std::shared_ptr<const Manifest>> Decode(absl::string_view bytes);

  /// The stored form; the digest is the SHA-256 of these bytes (zero for an empty manifest).
  ///
  /// "LSM1", entry count, then per entry group, kind, namespace, name (each a length and bytes) and
  /// the 32 bytes of the blob's digest. Lengths and the count are LEB128.
  std::string Encode() const;

  const Digest& digest() const { return digest_; }
  const std::vector<ManifestEntry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  /// By binary search; null where the manifest does not name it.
  const ManifestEntry* Find(const ObjectKey& key) const;
  /// Whether some entry has this blob. O(log n).
  bool HasBlob(const Digest& blob) const;

 private:
  std::vector<ManifestEntry> entries_;  // By key.
  std::vector<uint32_t> by_blob_;       // Positions in entries_, by blob.
  Digest digest_;
};

using ManifestPtr = std::shared_ptr<const Manifest>;

/// The one empty manifest.
const ManifestPtr& EmptyManifest();

/// What one application on one cluster is at: what the cluster root is made of.
struct ApplicationRoot {
  std::string name;  // NAMESPACE/NAME.
  uint64_t generation = 0;
  Digest manifest;
  Digest options;
};

/// Over all applications of a cluster, sorted by name; equal roots prove equal desired state. Zero
/// for none.
Digest ClusterRoot(std::vector<ApplicationRoot> applications);

/// Over a list of keys (sorted here): what an approval of deletes names.
Digest KeyListDigest(std::vector<ObjectKey> keys);

}  // namespace lockstep
