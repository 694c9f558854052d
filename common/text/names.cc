#include "common/text/names.h"

#include <cstddef>
#include <string>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

namespace lockstep {
namespace {

constexpr size_t kLabelBytesMax = 63;
constexpr size_t kSubdomainBytesMax = 253;

// For messages: names come from outside and may hold anything, in any length.
std::string Shown(absl::string_view name) {
  const bool cut = name.size() > 2 * kLabelBytesMax;
  return absl::StrCat("\"", absl::CHexEscape(name.substr(0, 2 * kLabelBytesMax)), cut ? "…" : "",
                      "\"");
}

bool IsLowerOrDigit(unsigned char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

// The part of a label's key after the '/', and a label's value.
absl::Status CheckLabelWord(absl::string_view what, absl::string_view word) {
  if (word.size() > kLabelBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " ", Shown(word), " has ", word.size(), " characters; at most 63"));
  }
  const auto fits = [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
  };
  for (const unsigned char c : word) {
    if (!fits(c)) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " ", Shown(word), " may hold only letters, digits, '-', '_' and '.'"));
    }
  }
  if (!absl::ascii_isalnum(static_cast<unsigned char>(word.front())) ||
      !absl::ascii_isalnum(static_cast<unsigned char>(word.back()))) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " ", Shown(word), " must begin and end with a letter or digit"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDnsLabel(absl::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kLabelBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(name), " has ", name.size(), " bytes; a name has at most 63"));
  }
  for (const unsigned char c : name) {
    if (!IsLowerOrDigit(c) && c != '-') {
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(name), " may hold only a-z, 0-9 and '-'"));
    }
  }
  if (name.front() == '-' || name.back() == '-') {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(name), " must begin and end with a letter or digit"));
  }
  return absl::OkStatus();
}

absl::Status CheckDnsSubdomain(absl::string_view name) {
  if (name.size() > kSubdomainBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(name), " has ", name.size(), " bytes; at most 253"));
  }
  for (const absl::string_view label : absl::StrSplit(name, '.')) {
    if (!CheckDnsLabel(label).ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(name), " is no DNS name: parts of a-z, 0-9 and '-', joined by dots"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLabelKey(absl::string_view key) {
  absl::string_view name = key;
  if (const size_t slash = key.find('/'); slash != absl::string_view::npos) {
    const absl::Status status = CheckDnsSubdomain(key.substr(0, slash));
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("prefix of label key: ", status.message()));
    }
    name = key.substr(slash + 1);
  }
  if (name.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("label key ", Shown(key), " has no name"));
  }
  return CheckLabelWord("label key", name);
}

absl::Status CheckLabelValue(absl::string_view value) {
  return value.empty() ? absl::OkStatus() : CheckLabelWord("label value", value);
}

}  // namespace lockstep
