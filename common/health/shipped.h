#pragma once

#include <vector>

#include <absl/strings/string_view.h>

namespace lockstep {

/// One file of rules/, in the program.
struct ShippedRule {
  absl::string_view key;  // GROUP/KIND, '*' as wildcard.
  absl::string_view script;
};

const std::vector<ShippedRule>& ShippedRules();

}  // namespace lockstep
