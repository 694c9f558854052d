#pragma once

#include <cstddef>
#include <string>

#include <absl/strings/string_view.h>

namespace lockstep::substitute {

/// What stands for bytes that are no character.
inline constexpr char32_t kNoRune = 0xfffd;

struct Rune {
  char32_t value = kNoRune;
  size_t bytes = 1;  // 1 where there is no character.
};

/// The first character of a text that is not empty.
Rune FirstRune(absl::string_view text);
void AppendRune(char32_t value, std::string* text);

bool IsLetterOrDigit(char32_t value);
/// In Unicode's simple mapping.
char32_t ToUpper(char32_t value);
char32_t ToLower(char32_t value);

}  // namespace lockstep::substitute
