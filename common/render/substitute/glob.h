#pragma once

#include <cstdint>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep::substitute {

/// Whether the pattern matches the whole of `text`: `*` any text, `?` a character, `[a-z]` and
/// `[^a-z]` one of a set, `\c` the character c. Counts what it does down from `*steps`.
///
/// INVALID_ARGUMENT for what is no pattern, as far as it was looked at; RESOURCE_EXHAUSTED where
/// the steps are used up. Source: path.Match of Go, for which a '/' is nothing special here.
absl::StatusOr<bool> MatchGlob(absl::string_view pattern, absl::string_view text, uint64_t* steps);

}  // namespace lockstep::substitute
