#include "hub/remote/version_range.h"

#include <algorithm>
#include <array>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kRangeBytesMax = 256;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

bool ParseNumber(absl::string_view text, uint64_t* number) {
  return IsDigits(text) && (text.size() == 1 || text[0] != '0') && absl::SimpleAtoi(text, number);
}

bool IsIdentifier(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return absl::ascii_isalnum(c) || c == '-'; });
}

// Splits "NUMBERS[-PRERELEASE][+BUILD]"; false where an identifier is malformed.
bool SplitVersion(absl::string_view text, absl::string_view* numbers,
                  std::vector<std::string>* prerelease) {
  if (const size_t plus = text.find('+'); plus != absl::string_view::npos) {
    for (const absl::string_view part : absl::StrSplit(text.substr(plus + 1), '.')) {
      if (!IsIdentifier(part)) return false;
    }
    text = text.substr(0, plus);
  }
  if (const size_t dash = text.find('-'); dash != absl::string_view::npos) {
    for (const absl::string_view part : absl::StrSplit(text.substr(dash + 1), '.')) {
      if (!IsIdentifier(part) || (IsDigits(part) && part.size() > 1 && part[0] == '0'))
        return false;
      prerelease->emplace_back(part);
    }
    text = text.substr(0, dash);
  }
  *numbers = text;
  return true;
}

// semver.org 2.0, 11.4: numbers by value and before words; words by ASCII.
std::strong_ordering CompareIdentifiers(absl::string_view a, absl::string_view b) {
  const bool a_number = IsDigits(a);
  const bool b_number = IsDigits(b);
  if (a_number != b_number)
    return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  if (a_number && a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

bool IsWildcard(absl::string_view part) { return part == "x" || part == "X" || part == "*"; }

absl::Status Improper(absl::string_view part) {
  return absl::InvalidArgumentError(absl::StrCat(
      "spec.ref.semver \"", part,
      "\" is no condition on versions; write one as \">=1.0.0 <2.0.0\", \"^1.2\" or \"1.x\""));
}

constexpr absl::string_view kOperatorCharacters = "=!<>~^";

}  // namespace

std::optional<Version> Version::Parse(absl::string_view text) {
  absl::ConsumePrefix(&text, "v");
  Version version;
  absl::string_view numbers;
  if (text.size() > kRangeBytesMax || !SplitVersion(text, &numbers, &version.prerelease))
    return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(numbers, '.');
  if (parts.size() != 3 || !ParseNumber(parts[0], &version.major) ||
      !ParseNumber(parts[1], &version.minor) || !ParseNumber(parts[2], &version.patch)) {
    return std::nullopt;
  }
  return version;
}

std::strong_ordering operator<=>(const Version& a, const Version& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty()) {
    return a.prerelease.empty() <=> b.prerelease.empty();  // A release comes after its prereleases.
  }
  const size_t common = std::min(a.prerelease.size(), b.prerelease.size());
  for (size_t i = 0; i < common; ++i) {
    const auto order = CompareIdentifiers(a.prerelease[i], b.prerelease[i]);
    if (order != 0) return order;
  }
  return a.prerelease.size() <=> b.prerelease.size();
}

// The cases and their meaning are those of Masterminds/semver 3, constraints.go: there "dirty" is
// written < 3.
bool VersionRange::Comparison::Holds(const Version& v) const {
  const Version& c = version;
  if (!v.prerelease.empty() && c.prerelease.empty() && !(op == Operator::kNotEqual && written == 3))
    return false;
  switch (op) {
    case Operator::kGreaterEqual:
      return v >= c;
    case Operator::kLess:
      return v < c;
    case Operator::kGreater:
      if (written == 1) return v.major > c.major;
      if (written == 2) return std::pair(v.major, v.minor) > std::pair(c.major, c.minor);
      return v > c;
    case Operator::kLessEqual:
      if (written == 3) return v <= c;
      return v.major < c.major || (v.major == c.major && (written == 1 || v.minor <= c.minor));
    case Operator::kNotEqual:
      if (written == 3) return v != c;
      if (written == 0) return v != c;
      return v.major != c.major || (written == 2 && v.minor != c.minor);
    case Operator::kEqual:
      if (written == 3) return v == c;
      [[fallthrough]];
    case Operator::kTilde:
      if (v < c) return false;
      if (written == 0 || (written == 3 && c.major == 0 && c.minor == 0 && c.patch == 0))
        return true;
      return v.major == c.major && (written == 1 || v.minor == c.minor);
    case Operator::kCaret:
      if (v < c) return false;
      if (written == 0) return true;
      if (v.major != c.major) return false;
      if (c.major > 0 || written == 1) return true;
      if (v.minor != c.minor) return false;
      return c.minor > 0 || written == 2 || v.patch == c.patch;
  }
  return false;
}

absl::StatusOr<VersionRange::Comparison> VersionRange::ParseComparison(absl::string_view op,
                                                                       absl::string_view operand) {
  static constexpr std::array<std::pair<absl::string_view, Operator>, 12> kOperators = {{
      {"", Operator::kEqual},
      {"=", Operator::kEqual},
      {"!=", Operator::kNotEqual},
      {">", Operator::kGreater},
      {"<", Operator::kLess},
      {">=", Operator::kGreaterEqual},
      {"=>", Operator::kGreaterEqual},
      {"<=", Operator::kLessEqual},
      {"=<", Operator::kLessEqual},
      {"~", Operator::kTilde},
      {"~>", Operator::kTilde},
      {"^", Operator::kCaret},
  }};
  const std::string whole = absl::StrCat(op, operand);
  const auto* found = std::find_if(kOperators.begin(), kOperators.end(),
                                   [op](const auto& entry) { return entry.first == op; });
  if (found == kOperators.end()) return Improper(whole);
  Comparison comparison{.op = found->second};
  absl::ConsumePrefix(&operand, "v");
  absl::string_view numbers;
  if (!SplitVersion(operand, &numbers, &comparison.version.prerelease)) return Improper(whole);
  const std::vector<absl::string_view> parts = absl::StrSplit(numbers, '.');
  if (parts.size() > 3) return Improper(whole);
  uint64_t* const slots[3] = {&comparison.version.major, &comparison.version.minor,
                              &comparison.version.patch};
  comparison.written = static_cast<int>(parts.size());
  for (int i = static_cast<int>(parts.size()) - 1; i >= 0; --i) {
    if (IsWildcard(parts[i])) {
      comparison.written = i;
    } else if (!ParseNumber(parts[i], slots[i])) {
      return Improper(whole);
    }
  }
  for (int i = comparison.written; i < 3; ++i) *slots[i] = 0;
  return comparison;
}

absl::StatusOr<std::vector<VersionRange::Comparison>> VersionRange::ParseAll(
    absl::string_view text) {
  const std::string trimmed(absl::StripAsciiWhitespace(text));
  std::vector<Comparison> all;
  absl::string_view rest = trimmed;
  while (!rest.empty()) {
    const size_t operator_end = std::min(rest.find_first_not_of(kOperatorCharacters), rest.size());
    const absl::string_view op = rest.substr(0, operator_end);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(operator_end));
    const size_t end = std::min(rest.find_first_of(", \t=!<>~^"), rest.size());
    const absl::string_view operand = rest.substr(0, end);
    LOCKSTEP_ASSIGN_OR_RETURN(Comparison comparison, ParseComparison(op, operand));
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(end));
    // "1.2 - 2.0": both ends belong.
    if (op.empty() && absl::ConsumePrefix(&rest, "- ")) {
      comparison.op = Operator::kGreaterEqual;
      rest = absl::StripLeadingAsciiWhitespace(rest);
      const size_t high_end = std::min(rest.find_first_of(", \t"), rest.size());
      LOCKSTEP_ASSIGN_OR_RETURN(Comparison high, ParseComparison("<=", rest.substr(0, high_end)));
      rest = absl::StripLeadingAsciiWhitespace(rest.substr(high_end));
      all.push_back(std::move(high));
    }
    all.push_back(std::move(comparison));
    if (absl::ConsumePrefix(&rest, ",")) {
      rest = absl::StripLeadingAsciiWhitespace(rest);
      if (rest.empty()) return Improper(trimmed);
    }
  }
  if (all.empty()) return Improper(trimmed);
  return all;
}

absl::StatusOr<VersionRange> VersionRange::Parse(absl::string_view text) {
  if (text.size() > kRangeBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("spec.ref.semver is over ", kRangeBytesMax, " bytes long"));
  }
  VersionRange range;
  for (const absl::string_view alternative : absl::StrSplit(text, "||")) {
    LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Comparison> all, ParseAll(alternative));
    range.alternatives_.push_back(std::move(all));
  }
  return range;
}

bool VersionRange::Contains(const Version& version) const {
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&version](const auto& all) {
    return std::all_of(all.begin(), all.end(),
                       [&version](const Comparison& c) { return c.Holds(version); });
  });
}

}  // namespace lockstep
