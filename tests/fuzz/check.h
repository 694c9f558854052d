#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <absl/strings/string_view.h>

namespace lockstep::fuzz {

/// Ends the program, which libFuzzer reports with the input, where a rule does not hold.
inline void Check(bool holds, absl::string_view rule) {
  if (holds) return;
  std::fprintf(stderr, "broken rule: %.*s\n", static_cast<int>(rule.size()), rule.data());
  std::abort();
}

inline absl::string_view TextOf(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace lockstep::fuzz
