#pragma once

#include <absl/status/status.h>

#include "common/render/kustomize/resource_list.h"
#include "common/render/kustomize/transformer_config.h"

namespace lockstep::kustomize {

/// Where objects name others that were renamed since: puts the names (and namespaces) that those
/// have now. Time grows with objects and references, not with their product.
///
/// INVALID_ARGUMENT where several objects could be meant.
absl::Status FixNameReferences(const TransformerConfig& config, ResourceList* list);

}  // namespace lockstep::kustomize
