#include "common/base/utf8.h"

#include <cstdint>

namespace lockstep {
namespace {

constexpr absl::string_view kReplacement = "\xEF\xBF\xBD";

// What one step from a position sees: a whole character, or the bytes that one replacement stands
// for.
struct Step {
  size_t bytes;
  bool valid;
};

bool InRange(char c, unsigned low, unsigned high) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= low && byte <= high;
}

// RFC 3629, section 4. The second byte's range keeps out overlong forms, surrogates and too large
// values.
Step Look(absl::string_view text) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) return {1, true};
  size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  if (text.size() < 2 || !InRange(text[1], low, high)) return {1, false};
  for (size_t i = 2; i < length; ++i) {
    if (i >= text.size() || !InRange(text[i], 0x80, 0xBF)) return {i, false};
  }
  return {length, true};
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const Step step = Look(text);
    if (!step.valid) return false;
    text.remove_prefix(step.bytes);
  }
  return true;
}

std::string SanitizeUtf8(absl::string_view text, size_t bytes_max) {
  std::string clean;
  while (!text.empty()) {
    const Step step = Look(text);
    const absl::string_view piece = step.valid ? text.substr(0, step.bytes) : kReplacement;
    if (clean.size() + piece.size() > bytes_max) break;
    clean.append(piece.data(), piece.size());
    text.remove_prefix(step.bytes);
  }
  return clean;
}

}  // namespace lockstep
