#pragma once

#include <vector>

#include <absl/status/status.h>

#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource_list.h"

namespace lockstep::kustomize {

// What `generators`, `transformers` and `validators` name: objects that configure what is built in
// ("apiVersion: builtin"). `field` is the one of the three, for messages.
//
// UNIMPLEMENTED for what only a program could do: exec and container functions, helm charts.

/// Makes the objects of a configured generator.
absl::StatusOr<std::vector<Resource>> RunGenerator(const Resource& configuration,
                                                   absl::string_view field, const Loader& loader);

/// Runs a configured transformer.
absl::Status RunTransformer(const Resource& configuration, absl::string_view field,
                            const Loader& loader, ResourceList* list);

/// Puts the hash at the end of the names of generated objects.
void AddNameHashes(ResourceList* list);

}  // namespace lockstep::kustomize
