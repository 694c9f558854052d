#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep::kustomize {

/// The parts of "spec.containers.[name=web].image": divided at dots, but not at those behind a
/// backslash or in brackets. Brackets stay where they hold a '='.
std::vector<std::string> SplitFieldPath(absl::string_view path);

/// What a path leads to by exact steps: fields, `[key=text]` (the first such element), `[=text]`,
/// indexes and `-` for the last element. Null where there is none.
///
/// INVALID_ARGUMENT where a step does not fit what is there.
absl::StatusOr<Value*> LookUp(const std::vector<std::string>& path, Value* root);

/// What to make of parts of a path that are not there.
enum class Create { kNothing, kScalar, kList, kMapping };

struct FoundPlaces {
  std::vector<Value*> places;
  /// How many more the path leads to inside of texts, where nothing can be set.
  size_t in_texts = 0;
};

/// All places that a path leads to: fields, `[key=expression]` and `[=expression]` (matching
/// anywhere in the text), indexes and `*` for every element. What a path lacks is made, if so
/// asked; a scalar that is made is a null without a place, until it gets a text (SetText).
///
/// INVALID_ARGUMENT where a step does not fit what is there, an index is beyond the list, or an
/// expression is none.
absl::StatusOr<FoundPlaces> FindAll(const std::vector<std::string>& path, Create create,
                                    Value* root);

}  // namespace lockstep::kustomize
