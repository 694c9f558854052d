#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// A semantic version (semver.org 2.0). Order is precedence; build metadata does not count.
struct Version {
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  std::vector<std::string> prerelease;  // Identifiers; empty for a release.

  /// MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD] with an optional leading "v"; nothing for any other
  /// text.
  static std::optional<Version> Parse(absl::string_view text);

  friend std::strong_ordering operator<=>(const Version& a, const Version& b);
  friend bool operator==(const Version& a, const Version& b) { return (a <=> b) == 0; }
};

/// A condition on versions, with the grammar and meaning of Masterminds/semver 3, which Flux uses:
/// comparisons joined by space or comma, alternatives by ||, `1.2 - 2.0`, `~1.2`, `^1.2`, `1.x`,
/// `*`. A prerelease matches only a comparison that names one.
class VersionRange {
 public:
  /// INVALID_ARGUMENT quoting the part that is wrong.
  static absl::StatusOr<VersionRange> Parse(absl::string_view text);

  bool Contains(const Version& version) const;

 private:
  enum class Operator : uint8_t {
    kEqual,
    kNotEqual,
    kGreater,
    kLess,
    kGreaterEqual,
    kLessEqual,
    kTilde,
    kCaret
  };

  struct Comparison {
    Operator op = Operator::kEqual;
    Version version;
    int written = 3;  // How many of the three numbers were written, before any wildcard.
    bool Holds(const Version& candidate) const;
  };

  static absl::StatusOr<Comparison> ParseComparison(absl::string_view op,
                                                    absl::string_view operand);
  static absl::StatusOr<std::vector<Comparison>> ParseAll(absl::string_view text);

  std::vector<std::vector<Comparison>> alternatives_;
};

}  // namespace lockstep
