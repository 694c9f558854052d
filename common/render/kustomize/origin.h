#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

/// `origin` with `path` (as a kustomization names it) after its own.
Origin Append(const Origin& origin, absl::string_view path);

/// What a built-in step of the kustomization at `origin` shows: "builtin", its kind, and the file.
Origin OfBuiltIn(const Origin& origin, absl::string_view file, absl::string_view kind);
/// What a configured plugin shows.
Origin OfPlugin(const Resource& configuration);

/// The text of config.kubernetes.io/origin.
std::string OriginText(const Origin& origin);
/// The text of alpha.config.kubernetes.io/transformations.
std::string TransformationsText(const std::vector<std::shared_ptr<const Origin>>& all);

/// Records a step on every object: as its origin where it has none, else as a transformation.
void RecordStep(const Origin& step, std::vector<Resource>* resources);

}  // namespace lockstep::kustomize
