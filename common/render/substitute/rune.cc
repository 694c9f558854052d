#include "common/render/substitute/rune.h"

#include <locale.h>
#include <wctype.h>

#include "common/text/utf8.h"

namespace lockstep::substitute {
namespace {

/// The C library's tables of Unicode, whatever the environment says; null where it has none.
locale_t Unicode() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

}  // namespace

Rune FirstRune(absl::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (text.size() < bytes || !IsUtf8(text.substr(0, bytes))) return {};
  char32_t value = first & (0xff >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) value = value << 6 | (byte(i) & 0x3f);
  return {value, bytes};
}

void AppendRune(char32_t value, std::string* text) {
  if (value < 0x80) {
    text->push_back(static_cast<char>(value));
    return;
  }
  const int following = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
  const int lead = following == 1 ? 0xc0 : following == 2 ? 0xe0 : 0xf0;
  text->push_back(static_cast<char>(lead | (value >> (6 * following))));
  for (int i = following - 1; i >= 0; --i) {
    text->push_back(static_cast<char>(0x80 | ((value >> (6 * i)) & 0x3f)));
  }
}

bool IsLetterOrDigit(char32_t value) {
  if (value < 0x80 || Unicode() == nullptr) {
    return (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z') ||
           (value >= '0' && value <= '9');
  }
  return iswalnum_l(static_cast<wint_t>(value), Unicode()) != 0;
}

char32_t ToUpper(char32_t value) {
  if (value < 0x80 || Unicode() == nullptr) {
    return value >= 'a' && value <= 'z' ? value - 'a' + 'A' : value;
  }
  return static_cast<char32_t>(towupper_l(static_cast<wint_t>(value), Unicode()));
}

char32_t ToLower(char32_t value) {
  if (value < 0x80 || Unicode() == nullptr) {
    return value >= 'A' && value <= 'Z' ? value - 'A' + 'a' : value;
  }
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(value), Unicode()));
}

}  // namespace lockstep::substitute
