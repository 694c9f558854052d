#pragma once

#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// Block-style YAML as kubectl prints it: members in their own order, lists not indented below
/// their key, several lines as a literal block where YAML can, quotes only where plain text would
/// be read as something else. Ends in a newline.
///
/// ReadYaml gives back an equal value, and equal values whose members stand in the same order give
/// equal bytes. Strings must be UTF-8.
std::string WriteYaml(const Value& value);

/// The same for several documents, joined by "---" lines.
std::string WriteYamlDocuments(const std::vector<Value>& documents);

}  // namespace lockstep
