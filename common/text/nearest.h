#pragma once

#include <string>
#include <vector>

#include <absl/strings/string_view.h>

namespace lockstep {

/// The candidate that a person who typed `word` most likely meant, for "did you mean": the fewest
/// letters inserted, removed, replaced or swapped, upper and lower case being nearly equal; the
/// first of equals. "" where none is near (more than a third of the letters differ).
std::string NearestWord(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace lockstep
