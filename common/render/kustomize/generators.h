#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

enum class GeneratedKind { kConfigMap, kSecret };

/// Makes the ConfigMap or Secret of an entry; `global` are the kustomization's generatorOptions.
absl::StatusOr<Resource> Generate(GeneratedKind kind, const GeneratorEntry& entry,
                                  const std::optional<GeneratorOptions>& global,
                                  const Loader& loader);

/// The end of a generated object's name, 10 characters, from its data. Source: kustomize 5.8.1,
/// api/hasher.
std::string NameHash(const Value& object);

}  // namespace lockstep::kustomize
