#pragma once

#include <memory>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep::kustomize {

/// A regular expression in RE2's syntax, which is Go's: linear time, whatever the expression. One
/// whose program would be large is refused, so that a hostile one costs nothing.
class Pattern {
 public:
  enum class Extent { kWhole, kAnywhere };

  /// Matches everything.
  Pattern();
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  /// "" matches everything. INVALID_ARGUMENT with what is wrong.
  static absl::StatusOr<Pattern> Compile(absl::string_view pattern, Extent extent);

  bool Matches(absl::string_view text) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  // Null where everything matches.
};

}  // namespace lockstep::kustomize
