#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/render/replacement/field_path.h"

namespace lockstep::kustomize {

/// Where a path goes on below a scalar that holds YAML or JSON: sets the field inside of the text.
/// Returns whether it did; where anything does not fit, nothing is changed.
bool SetInText(const std::vector<std::string>& path, Create create, const Value& value,
               Value* root);

}  // namespace lockstep::kustomize
