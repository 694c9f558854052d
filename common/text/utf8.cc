#include "common/text/utf8.h"

#include <cstdint>
#include <cstring>

namespace lockstep {
namespace {

bool IsContinuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// Length of the well-formed character at the beginning of `text`, which is not empty; 0 if there is
// none. Source: Unicode 15, table 3-7.
size_t CharacterLength(absl::string_view text) {
  const auto at = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;   // Overlong below.
    if (first == 0xed) high = 0x9f;  // Surrogates above.
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;  // Over U+10FFFF.
  } else {
    return 0;
  }
  if (text.size() < length || at(1) < low || at(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(at(i))) return 0;
  }
  return length;
}

}  // namespace

size_t FindInvalidUtf8(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    // ASCII goes by eight bytes: it is nearly all there is.
    uint64_t eight;
    while (at + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + at, sizeof(eight));
      if ((eight & 0x8080808080808080) != 0) break;
      at += sizeof(eight);
    }
    if (at == text.size()) break;
    const size_t length = CharacterLength(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return absl::string_view::npos;
}

std::string ToUtf8(absl::string_view text) {
  constexpr absl::string_view kReplacement = "\xef\xbf\xbd";
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    if (length == 0 || text[0] == '\0') {
      safe.append(kReplacement.data(), kReplacement.size());
      text.remove_prefix(1);
    } else {
      safe.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return safe;
}

}  // namespace lockstep
