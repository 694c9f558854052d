#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/render/resource/resource.h"
#include "common/render/resource/selector.h"

namespace lockstep::kustomize {

/// The objects of a kustomization in the making, in order; no two with one current id.
///
/// Looking for an id, or for one that an object had, goes through an index, which is made anew
/// after changes when it is asked next.
class ResourceList {
 public:
  std::vector<Resource>& items() { return items_; }
  const std::vector<Resource>& items() const { return items_; }
  size_t size() const { return items_.size(); }

  /// To be called after names, namespaces or kinds have changed.
  void Changed() { indexed_ = false; }
  /// Drops objects that were emptied.
  void DropEmpty();

  /// INVALID_ARGUMENT where an object with this id is there.
  absl::Status Append(Resource resource);
  absl::Status AppendAll(std::vector<Resource> resources);
  /// A generated object: appended, or merged with the one that it says.
  absl::Status Absorb(Resource generated);

  /// Positions, in order, of the objects that have or had this id.
  std::vector<size_t> FindAnyId(const ResourceId& id);
  /// The only one of those, or INVALID_ARGUMENT.
  absl::StatusOr<size_t> FindOnly(const ResourceId& id);

  /// Positions, in order, of what a target selects.
  absl::StatusOr<std::vector<size_t>> Select(const SelectorSpec& spec);

  /// INVALID_ARGUMENT where two objects have one current id.
  absl::Status CheckUnique() const;

 private:
  struct Key {
    std::string group, version, kind, name, space;
    friend bool operator==(const Key&, const Key&) = default;
    template <typename H>
    friend H AbslHashValue(H state, const Key& key) {
      return H::combine(std::move(state), key.group, key.version, key.kind, key.name, key.space);
    }
  };
  static Key KeyOf(const ResourceId& id);
  void Index();
  void AddToIndex(size_t position);

  std::vector<Resource> items_;
  bool indexed_ = true;
  absl::flat_hash_map<Key, size_t> current_;              // Valid where indexed_.
  absl::flat_hash_map<Key, std::vector<size_t>> any_id_;  // Likewise.
  // By original and by current names; likewise.
  absl::flat_hash_map<std::string, std::vector<size_t>> by_name_;
};

/// What a generated object takes over from the one that it is merged with or replaces.
void MergeMetadata(const Resource& old, Resource* generated);

/// Makes the mapping of scalars at `key` one of texts; an empty one, and what is no mapping, goes.
void MakeTexts(absl::string_view key, Value* parent);

}  // namespace lockstep::kustomize
