#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/render/patch/merge_schema.h"

namespace lockstep::patch {

/// Which of two values a walk over both leaves, if any. The one that stays has been changed in
/// place.
enum class Left { kNothing, kBase, kPatch };

/// What a "$patch" asks for.
enum class Directive { kMerge, kReplace, kDelete };

/// The walk over a base and a patch together, as kyaml's: with the base alone (`patch` null), both,
/// or with the patch as its own base where the base has nothing (then both are one pointer).
class Merger {
 public:
  explicit Merger(const MergeSchema* schema) : schema_(schema) {}

  /// Merges `patch` into `base`, either may be null, `type` is what is known of the place.
  absl::StatusOr<Left> Merge(Value* base, Value* patch, const MergeSchema::Type* type);

  /// INVALID_ARGUMENT for the field that is being merged; remembers where `at` stands.
  absl::Status Fault(const Value& at, absl::string_view what);
  Place fault() const { return fault_; }

 private:
  absl::StatusOr<Left> MergeMaps(Value* base, Value* patch, const MergeSchema::Type* type);
  absl::Status MergeFields(Object* into, Object* from, const MergeSchema::Type* type);
  absl::Status MergeField(Object* into, size_t index, Value* patch, const MergeSchema::Type* type,
                          std::vector<size_t>* removed);
  absl::StatusOr<Left> MergeLists(Value* base, Value* patch, const MergeSchema::Type* type);
  const MergeSchema::Type* TypeOf(const Value* base, const Value* patch) const;

  /// Reads the directive of a patch's mapping and takes it out.
  absl::StatusOr<Directive> TakeDirective(Object* map);
  /// That of a list: an element that is nothing but a "$patch".
  absl::StatusOr<Directive> TakeDirective(Value::Array* list);
  absl::StatusOr<Directive> ParseDirective(const Value& value);

  const MergeSchema* const schema_;
  std::vector<absl::string_view> path_;  // Of the place that is being merged, for messages.
  Place fault_;
};

}  // namespace lockstep::patch
