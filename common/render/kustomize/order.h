#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>

#include "common/render/kustomize/kustomization.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

/// The order in which kustomize sorts field specs: by the rank of the kind, then by the text.
bool GvkComesBefore(const Gvk& a, const Gvk& b);

/// Sorts the output as kustomize's legacy order does, `first` and `last` in place of the built-in
/// lists of kinds where `options` names any.
void SortLegacy(const SortOptions* options, std::vector<Resource>* resources);

/// What is wrong with sortOptions, OK for nothing; the message is for its place.
absl::Status CheckSortOptions(const SortOptions& options);

}  // namespace lockstep::kustomize
