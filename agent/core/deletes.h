#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/record.h"
#include "common/base/digest.h"
#include "common/object/object_key.h"

namespace lockstep {

/// What one Desired means for an application's list of deletes.
struct DeleteUpdate {
  std::vector<ObjectKey> removed;  // By the delta.
  std::vector<ObjectKey> named;    // To be deleted by name (`lockstep delete orphans`).
  std::vector<ObjectKey>
      inventory;                   // What the application still has, hand-overs taken out. Sorted.
  std::optional<Digest> approved;  // KeyListDigest of the list that a person allowed.
  size_t objects_before = 0;       // Objects of the application before this Desired.
};

/// Merges `update` into the list that `next` has from before and takes the guard's verdict.
///
/// The list holds what is in the inventory and not wanted by the application's own manifest; what
/// another application takes over has left the inventory (a hand-over, no delete). Without `prune`
/// only what was named is on it: what left Git stays, an orphan. A release with deletes lists
/// everything; one without drops what was not carried out. What is too much for one list
/// (kKeyListBytesMax) stays, an orphan.
///
/// A list of all that the application still has is everything, whatever left it by hand-over. The
/// verdict is taken anew where something is added, and stays where the list only shrinks, but
/// a list that was held is weighed again. An approval counts for exactly this list.
void MergeDeletes(const DeleteUpdate& update, ApplicationRecord* next);

/// Takes what was carried out off the list; a list that was held is weighed again.
void DropDeletes(const std::set<ObjectKey>& done, ApplicationRecord* next);

}  // namespace lockstep
