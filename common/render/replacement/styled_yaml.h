#pragma once

#include <string>

#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep::kustomize {

/// A document as go-yaml 3 writes it after a change: members in their order, two spaces per level,
/// lists not indented below their key; quotes, blocks, flow collections and comments as `source`,
/// which the document was read from, has them at its values' places.
std::string WriteStyledYaml(const Value& document, absl::string_view source);

}  // namespace lockstep::kustomize
