#include "common/object/number.h"

#include <charconv>
#include <cmath>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>

namespace lockstep {

void AppendDouble(double value, std::string* out) {
  if (value == 0) {
    out->append(std::signbit(value) ? "-0" : "0");
    return;
  }
  // "[-]d[.ddd]e±xx", the shortest digits.
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::scientific).ptr;
  absl::string_view text(buffer, static_cast<size_t>(end - buffer));
  const size_t e = text.rfind('e');
  int exponent = 0;
  absl::string_view exponent_text = text.substr(e + 1);
  if (exponent_text[0] == '+') exponent_text.remove_prefix(1);
  (void)absl::SimpleAtoi(exponent_text, &exponent);
  text = text.substr(0, e);
  const double magnitude = std::fabs(value);
  if (magnitude < 1e-6 || magnitude >= 1e21) {
    absl::StrAppend(out, text, exponent < 0 ? "e" : "e+", exponent);
    return;
  }
  if (text[0] == '-') {
    out->push_back('-');
    text.remove_prefix(1);
  }
  std::string digits(1, text[0]);
  if (text.size() > 2) digits.append(text.data() + 2, text.size() - 2);
  const int before_point = exponent + 1;
  const int count = static_cast<int>(digits.size());
  if (before_point <= 0) {
    absl::StrAppend(out, "0.", std::string(static_cast<size_t>(-before_point), '0'), digits);
  } else if (before_point >= count) {
    absl::StrAppend(out, digits, std::string(static_cast<size_t>(before_point - count), '0'));
  } else {
    const auto point = static_cast<size_t>(before_point);
    absl::StrAppend(out, digits.substr(0, point), ".", digits.substr(point));
  }
}

}  // namespace lockstep
