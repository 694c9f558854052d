#include "common/render/substitute/functions.h"

#include <algorithm>
#include <charconv>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/base/status.h"
#include "common/render/substitute/glob.h"
#include "common/render/substitute/rune.h"

namespace lockstep::substitute {
namespace {

using Arguments = std::vector<std::string>;

absl::Status TooLarge() {
  return absl::ResourceExhaustedError("its result is larger than what one object may be");
}

/// Reads what Go's Atoi reads.
bool ParseNumber(absl::string_view text, int64_t* number) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return false;
  }
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end && !text.empty();
}

std::string Reverse(absl::string_view text) {
  std::vector<char32_t> runes;
  while (!text.empty()) {
    const Rune rune = FirstRune(text);
    runes.push_back(rune.value);
    text.remove_prefix(rune.bytes);
  }
  std::string reversed;
  for (auto it = runes.rbegin(); it != runes.rend(); ++it) AppendRune(*it, &reversed);
  return reversed;
}

enum class Which { kShortest, kLongest };

/// The text without the beginning that the pattern matches.
absl::StatusOr<std::string> TrimPrefix(absl::string_view text, absl::string_view pattern,
                                       Which which, Budget* budget) {
  size_t trimmed = 0;
  for (size_t size = text.size(); size > 0; --size) {
    const absl::StatusOr<bool> matches = MatchGlob(pattern, text.substr(0, size), &budget->steps);
    if (absl::IsInvalidArgument(matches.status())) return std::string(text);
    LOCKSTEP_RETURN_IF_ERROR(matches.status());
    if (!*matches) continue;
    trimmed = size;
    if (which == Which::kLongest) break;
  }
  return std::string(text.substr(trimmed));
}

absl::StatusOr<std::string> TrimSuffix(absl::string_view text, absl::string_view pattern,
                                       Which which, Budget* budget) {
  // Reversed as characters, the pattern too: of one with a set nothing remains, as in Flux.
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string trimmed,
                            TrimPrefix(Reverse(text), Reverse(pattern), which, budget));
  return Reverse(trimmed);
}

absl::StatusOr<std::string> Substring(absl::string_view text, const Arguments& arguments) {
  int64_t from = 0;
  if (arguments.empty() || !ParseNumber(arguments[0], &from)) return std::string(text);
  const int64_t size = static_cast<int64_t>(text.size());
  if (from < 0) from = std::max<int64_t>(0, from < -size ? 0 : size + from);
  const absl::string_view rest = from < size ? text.substr(static_cast<size_t>(from)) : "";
  if (arguments.size() == 1) return std::string(rest);
  int64_t length = 0;
  if (!ParseNumber(arguments[1], &length)) return std::string(text);
  if (length < 0) {
    return absl::InvalidArgumentError(absl::StrCat("its length ", length, " is negative"));
  }
  return std::string(rest.substr(0, static_cast<size_t>(std::min(length, size))));
}

/// Where `pattern` is empty, it is found before every character and at the end.
absl::StatusOr<std::string> Replace(absl::string_view text, absl::string_view pattern,
                                    absl::string_view by, bool all, const Budget& budget) {
  std::string replaced;
  while (true) {
    const size_t at = text.find(pattern);
    if (at == absl::string_view::npos) break;
    absl::StrAppend(&replaced, text.substr(0, at), by);
    text.remove_prefix(at + pattern.size());
    if (replaced.size() > budget.bytes) return TooLarge();
    if (!all) break;
    if (pattern.empty()) {
      if (text.empty()) break;
      const size_t bytes = FirstRune(text).bytes;
      absl::StrAppend(&replaced, text.substr(0, bytes));
      text.remove_prefix(bytes);
    }
  }
  if (replaced.size() + text.size() > budget.bytes) return TooLarge();
  return absl::StrCat(replaced, text);
}

std::string ReplaceEnd(absl::string_view name, absl::string_view text, const Arguments& arguments) {
  if (arguments.size() != 2) return std::string(text);
  const std::string& pattern = arguments[0];
  if (name == "/#" && absl::StartsWith(text, pattern)) {
    return absl::StrCat(arguments[1], text.substr(pattern.size()));
  }
  if (name == "/%" && absl::EndsWith(text, pattern)) {
    return absl::StrCat(text.substr(0, text.size() - pattern.size()), arguments[1]);
  }
  return std::string(text);
}

enum class Case { kUpper, kLower };

std::string ChangeCase(absl::string_view text, Case to, bool only_first) {
  std::string changed;
  while (!text.empty() && !(only_first && !changed.empty())) {
    const Rune rune = FirstRune(text);
    AppendRune(to == Case::kUpper ? ToUpper(rune.value) : ToLower(rune.value), &changed);
    text.remove_prefix(rune.bytes);
  }
  return absl::StrCat(changed, text);
}

}  // namespace

absl::StatusOr<std::string> CallFunction(absl::string_view name, absl::string_view value,
                                         const Arguments& arguments, Budget* budget) {
  const absl::string_view first = arguments.empty() ? "" : absl::string_view(arguments[0]);
  const absl::string_view second = arguments.size() < 2 ? "" : absl::string_view(arguments[1]);
  if (name == ",") return ChangeCase(value, Case::kLower, true);
  if (name == ",,") return ChangeCase(value, Case::kLower, false);
  if (name == "^") return ChangeCase(value, Case::kUpper, true);
  if (name == "^^") return ChangeCase(value, Case::kUpper, false);
  if (name == "#" && arguments.empty()) return absl::StrCat(value.size());
  if (name == "#") return TrimPrefix(value, first, Which::kShortest, budget);
  if (name == "##") return TrimPrefix(value, first, Which::kLongest, budget);
  if (name == "%") return TrimSuffix(value, first, Which::kShortest, budget);
  if (name == "%%") return TrimSuffix(value, first, Which::kLongest, budget);
  if (name == ":") return Substring(value, arguments);
  if (name == "/") return Replace(value, first, second, false, *budget);
  if (name == "//") return Replace(value, first, second, true, *budget);
  if (name == "/#" || name == "/%") return ReplaceEnd(name, value, arguments);
  // The operators of defaults, which all act on an empty value as on none.
  return value.empty() ? absl::StrJoin(arguments, "") : std::string(value);
}

}  // namespace lockstep::substitute
