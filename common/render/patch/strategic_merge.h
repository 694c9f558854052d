#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "common/object/value.h"
#include "common/render/patch/merge_schema.h"

namespace lockstep {

enum class PatchOutcome {
  kPatched,
  kDeleted,  // The patch removes the whole resource ("$patch: delete"); its value is not defined.
};

/// Applies a strategic merge patch to a resource, with the results of kustomize 5.8.1, its oddities
/// included (docs/rendering.md "Strategic merge"). Values keep the places that they were read at.
///
/// What the patch may not change (name, namespace, kind) is for the caller to put back. `patch` may
/// be applied any number of times. Where it fails, `target` is not defined and `*fault`, if not
/// null, is the place in the patch or else in the target.
///
/// Errors: INVALID_ARGUMENT where the two have different types at a place, or a "$patch" is
/// unknown; RESOURCE_EXHAUSTED for a merged list of over 2,000 elements of which some lack their
/// key or share it. The message begins with the field. Source: kyaml 0.21.1, merge2 and walk.
absl::StatusOr<PatchOutcome> ApplyStrategicMerge(Value* target, const Value& patch,
                                                 const MergeSchema& schema, Place* fault = nullptr);

}  // namespace lockstep
