#pragma once

#include <vector>

#include <absl/status/status.h>

#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource_list.h"

namespace lockstep::kustomize {

/// An entry of `patches`: a JSON patch or strategic merge patches, from a file or written there.
absl::Status ApplyPatch(const PatchEntry& entry, const Loader& loader, ResourceList* list);

/// An entry of `patchesJson6902`.
absl::Status ApplyJsonEntry(const PatchEntry& entry, const Loader& loader, ResourceList* list);

/// `patchesStrategicMerge`: each entry is a file, or the patches themselves.
absl::Status ApplyMergeEntries(const std::vector<Text>& entries, const Loader& loader,
                               ResourceList* list);

/// Objects that are written in a kustomization.
absl::StatusOr<std::shared_ptr<const FileCache::Documents>> ReadInline(const Text& text,
                                                                       const Loader& loader);

}  // namespace lockstep::kustomize
