#pragma once

#include <cstddef>
#include <string>

#include <absl/strings/string_view.h>

namespace lockstep {

/// The position of the first byte that is not part of well-formed UTF-8 (overlong forms, surrogates
/// and what is over U+10FFFF are not), or npos.
size_t FindInvalidUtf8(absl::string_view text);

inline bool IsUtf8(absl::string_view text) {
  return FindInvalidUtf8(text) == absl::string_view::npos;
}

/// Free text from outside (commit messages, tool output) made safe for strings that must be UTF-8:
/// each ill-formed byte and each NUL becomes U+FFFD.
std::string ToUtf8(absl::string_view text);

}  // namespace lockstep
