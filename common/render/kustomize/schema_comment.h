#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/render/kustomize/session.h"
#include "common/render/patch/merge_schema.h"

namespace lockstep::kustomize {

/// Lines (from 1) whose comment is an OpenAPI schema with a merge key or patch strategy, and that
/// schema's text: `ports: # {"type": "array", "x-kubernetes-patch-strategy": "merge", …}`.
std::vector<std::pair<uint32_t, std::string>> FindSchemaComments(absl::string_view bytes);

/// What such comments beside the fields of an object and of its patch say about how its lists are
/// merged; nothing where there are none. The object's own comments go first.
///
/// Of the type's other fields nothing is known then, unlike in kustomize.
std::optional<MergeSchema> SchemaOfComments(const Value& object, const Value& patch,
                                            const FileCache& cache);

}  // namespace lockstep::kustomize
