#pragma once

#include <vector>

#include <absl/status/status.h>

#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource_list.h"

namespace lockstep::kustomize {

/// Carries out the entries of `replacements`: each is one, or `{path}` to a file with one or a
/// list.
absl::Status ApplyReplacements(const std::vector<const Value*>& entries,
                               Decoder::Strictness strictness, const Loader& loader,
                               ResourceList* list);

}  // namespace lockstep::kustomize
