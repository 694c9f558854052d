#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <absl/strings/numbers.h>

#include "common/base/random.h"
#include "common/object/value.h"

namespace lockstep {

/// The seed that LOCKSTEP_SEED names, or a new one; tests print it.
inline uint64_t TestSeed() {
  uint64_t seed = 0;
  const char* const given = std::getenv("LOCKSTEP_SEED");
  return given != nullptr && absl::SimpleAtoi(given, &seed) ? seed : SystemRng()->Next();
}

/// Text of pieces that readers and writers of YAML and JSON stumble over.
inline std::string RandomText(Rng* rng) {
  static const auto* const pieces = new std::vector<std::string>{"a",
                                                                 "b",
                                                                 "Z",
                                                                 "0",
                                                                 "1",
                                                                 "7",
                                                                 "9",
                                                                 "-",
                                                                 "--",
                                                                 "---",
                                                                 ".",
                                                                 "...",
                                                                 "_",
                                                                 ":",
                                                                 ": ",
                                                                 " ",
                                                                 "  ",
                                                                 "\n",
                                                                 "\n\n",
                                                                 "\t",
                                                                 "#",
                                                                 " #",
                                                                 "'",
                                                                 "\"",
                                                                 "\\",
                                                                 "\\n",
                                                                 "/",
                                                                 "!",
                                                                 "!!str",
                                                                 "&",
                                                                 "*",
                                                                 "%",
                                                                 "@",
                                                                 "`",
                                                                 "|",
                                                                 ">",
                                                                 "{",
                                                                 "}",
                                                                 "[",
                                                                 "]",
                                                                 ",",
                                                                 "?",
                                                                 "? ",
                                                                 "- ",
                                                                 "~",
                                                                 "<<",
                                                                 "=",
                                                                 "e",
                                                                 "x",
                                                                 "o",
                                                                 "+",
                                                                 "yes",
                                                                 "No",
                                                                 "null",
                                                                 "true",
                                                                 ".inf",
                                                                 "2001-12-14",
                                                                 "12:30",
                                                                 "\r",
                                                                 "\r\n",
                                                                 "\x01",
                                                                 "\x1b",
                                                                 "\x7f",
                                                                 std::string(1, '\0'),
                                                                 "\xc2\x80",
                                                                 "\xc2\x85",
                                                                 "\xc2\xa0",
                                                                 "\xc3\xa9",
                                                                 "\xe2\x80\xa8",
                                                                 "\xe2\x80\xa9",
                                                                 "\xe2\x82\xac",
                                                                 "\xef\xbb\xbf",
                                                                 "\xef\xbf\xbd",
                                                                 "\xef\xbf\xbe",
                                                                 "\xef\xbf\xbf",
                                                                 "\xf0\x9f\x98\x80",
                                                                 "word",
                                                                 "many words in a row",
                                                                 "http://x:80/y"};
  std::string text;
  for (uint64_t count = rng->Below(6); count > 0; --count)
    text += (*pieces)[rng->Below(pieces->size())];
  if (rng->Below(50) == 0) text += std::string(200, 'k');
  return text;
}

inline Value RandomNumber(Rng* rng) {
  switch (rng->Below(5)) {
    case 0:
      return Value::Int(static_cast<int64_t>(rng->Below(2000)) - 1000);
    case 1:
      return Value::Int(static_cast<int64_t>(rng->Next()));
    case 2:
      return Value::Uint(rng->Next());
    case 3:
      return Value::Double(static_cast<double>(rng->Below(100000)) / 128);
    default: {
      const uint64_t bits = rng->Next();
      double value = 0;
      static_assert(sizeof(bits) == sizeof(value));
      std::memcpy(&value, &bits, sizeof(value));
      return Value::Double(value - value == 0 ? value : 0.5);
    }
  }
}

/// Any value of at most `depth` levels.
inline Value RandomValue(Rng* rng, int depth) {
  const uint64_t kind = rng->Below(depth > 0 ? 10 : 6);
  if (kind == 0) return Value::Null();
  if (kind == 1) return Value::Bool(rng->Below(2) == 0);
  if (kind == 2) return RandomNumber(rng);
  if (kind < 6) return Value::TakeString(RandomText(rng));
  uint64_t count = rng->Below(4);
  if (rng->Below(20) == 0) count = 40;  // Enough for the hash table.
  if (kind < 8) {
    Value::Array items;
    for (; count > 0; --count) items.push_back(RandomValue(rng, depth - 1));
    return Value::MakeArray(std::move(items));
  }
  Value object = Value::MakeObject();
  for (; count > 0; --count) object.AsObject().Set(RandomText(rng), RandomValue(rng, depth - 1));
  return object;
}

}  // namespace lockstep
