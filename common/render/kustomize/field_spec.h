#pragma once

#include <string>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/render/resource/resource.h"

namespace lockstep::kustomize {

/// A field of some kinds of objects: "spec/template/metadata/labels of Deployments".
struct FieldSpec {
  struct Part {
    std::string name;
    bool list = false;  // Written "name[]": nothing is created below it.
  };

  std::string group, version, kind;  // Empty for any.
  std::string path;                  // Parts between '/'; "\/" is a slash in a part.
  bool create = false;
  std::vector<Part> parts;  // Of `path`.

  Gvk gvk() const { return {group, version, kind}; }
  /// Fills `parts`.
  void Split();
};

using FieldSpecs = std::vector<FieldSpec>;

/// Parts between `delimiter`, of which `\` before it makes an ordinary character.
std::vector<std::string> SplitPath(absl::string_view path, char delimiter);

/// Adds `spec` unless one that covers it is there. INVALID_ARGUMENT where that one differs in
/// `create`.
absl::Status MergeFieldSpec(const FieldSpec& spec, FieldSpecs* specs);
absl::Status MergeFieldSpecs(const FieldSpecs& more, FieldSpecs* specs);

/// Whether the spec is of the object's present group, version and kind.
bool Applies(const FieldSpec& spec, const Gvk& gvk);

/// What stands at the end of a path that is to be created.
enum class CreateKind { kNothing, kScalar, kMapping };

/// Calls `set` with every value at the spec's path in `object` (its kind is not looked at). Lists
/// on the way are passed through. A missing part ends the way silently, unless `spec.create` and
/// `create` say what to make; a null on the way is replaced then.
///
/// INVALID_ARGUMENT where a scalar stands on the way; what `set` returns otherwise.
absl::Status VisitField(const FieldSpec& spec, CreateKind create, Value* object,
                        absl::FunctionRef<absl::Status(Value*)> set);

}  // namespace lockstep::kustomize
