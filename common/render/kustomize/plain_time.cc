#include "common/render/kustomize/plain_time.h"

#include <array>

#include <absl/strings/ascii.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

namespace lockstep::kustomize {
namespace {

// The number at the front, as two digits.
std::string TakeTwoDigits(absl::string_view* text) {
  std::string digits;
  while (!text->empty() && absl::ascii_isdigit(static_cast<unsigned char>((*text)[0]))) {
    digits.push_back((*text)[0]);
    text->remove_prefix(1);
  }
  return digits.size() == 1 ? absl::StrCat("0", digits) : digits;
}

// ".500" is ".5", ".000" nothing; nanoseconds at most.
std::string TakeFraction(absl::string_view* text) {
  if (!absl::ConsumePrefix(text, ".")) return "";
  std::string digits;
  while (!text->empty() && absl::ascii_isdigit(static_cast<unsigned char>((*text)[0]))) {
    if (digits.size() < 9) digits.push_back((*text)[0]);
    text->remove_prefix(1);
  }
  while (!digits.empty() && digits.back() == '0') digits.pop_back();
  return digits.empty() ? "" : absl::StrCat(".", digits);
}

}  // namespace

std::string ExpandPlainTime(absl::string_view text) {
  std::array<std::string, 6> parts = {"", "", "", "00", "00", "00"};
  for (size_t i = 0; i < parts.size() && !text.empty(); ++i) {
    parts[i] = TakeTwoDigits(&text);
    if (i < parts.size() - 1 && !text.empty()) text.remove_prefix(1);  // What stands between.
  }
  const std::string fraction = TakeFraction(&text);
  const absl::string_view zone = text.empty() ? absl::string_view("Z") : text;
  return absl::StrCat(parts[0], "-", parts[1], "-", parts[2], "T", parts[3], ":", parts[4], ":",
                      parts[5], fraction, zone == "+00:00" || zone == "-00:00" ? "Z" : zone);
}

}  // namespace lockstep::kustomize
