#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep::kustomize {

/// What plain text means to go-yaml 3.
Value PlainScalar(absl::string_view text);

/// Gives a scalar another text. Its type stays: a number stays one, a quoted text stays text. A
/// null without a place (one that was made) takes the type of the text.
///
/// INVALID_ARGUMENT where the text is none of that type.
absl::Status SetText(absl::string_view text, Value* scalar);

/// As the value stands in YAML, for expressions to match: quoted text with its quotes.
std::string WrittenText(const Value& value);

/// The first document of a text, read as kustomize reads manifests.
absl::StatusOr<Value> ReadText(absl::string_view text);

}  // namespace lockstep::kustomize
