#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/object/object_key.h"

namespace lockstep {

/// Whether a list of deletes waits for a person, and why: DESIGN 2.3, SECURITY G-1 and G-5.
struct GuardVerdict {
  bool held = false;
  std::string
      reason;  // A sentence part, "12 of 40 objects would be deleted"; empty where not held.
};

/// Weighs `deletes` against an application that has `objects` objects on the cluster before them.
///
/// Held: more than max(5, 10 % of `objects`); everything (`deletes` as many as `objects`); any of a
/// protected kind. Empty lists are never held. Hub and agent both call it; the agent's word counts.
GuardVerdict WeighDeletes(const std::vector<ObjectKey>& deletes, size_t objects);

/// Namespace, CustomResourceDefinition, PersistentVolume, PersistentVolumeClaim, StorageClass,
/// StatefulSet.
bool IsProtectedKind(absl::string_view group, absl::string_view kind);

}  // namespace lockstep
