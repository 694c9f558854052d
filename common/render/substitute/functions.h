#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep::substitute {

/// What a call may still use up.
struct Budget {
  size_t bytes = 0;    // Of its result.
  uint64_t steps = 0;  // Of matching patterns.
};

/// What the function `name` ("", ":", ":-", "##", "//" and so on) makes of a variable's value.
///
/// INVALID_ARGUMENT for a negative length; RESOURCE_EXHAUSTED for the budget. A pattern that is
/// none matches nothing, as in Flux. Source: fluxcd/pkg envsubst 1.4.0, after drone/envsubst.
absl::StatusOr<std::string> CallFunction(absl::string_view name, absl::string_view value,
                                         const std::vector<std::string>& arguments, Budget* budget);

}  // namespace lockstep::substitute
