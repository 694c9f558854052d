#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

namespace lockstep {

/// One line of gitignore syntax. Matching takes time proportional to the pattern times the path at
/// worst.
class IgnorePattern {
 public:
  /// `line` must not be blank or a comment (IgnoreFile sees to that). `directory` is where its file
  /// stands; "" the root.
  IgnorePattern(absl::string_view line, absl::string_view directory);

  /// Whether the pattern names `path` (relative to the root) or a directory that holds it.
  bool Matches(absl::string_view path, bool is_directory) const;
  /// A line with '!': takes back what earlier ones exclude.
  bool negated() const { return negated_; }

 private:
  bool MatchesParts(absl::Span<const absl::string_view> parts) const;

  std::string directory_;           // With a trailing '/', or "".
  std::vector<std::string> parts_;  // Between slashes; "**" crosses directories.
  bool negated_ = false;
  bool only_directories_ = false;
};

/// Which files of a repository are left out, as Flux does it.
///
/// Rules come, weakest first: version control's own files; Flux's default excludes, where neither a
/// .sourceignore file nor spec.ignore is in force; .sourceignore files from the root inwards;
/// spec.ignore. The last rule that matches decides, and one that matches a directory matches all in
/// it. (So a file in an excluded directory can be taken back, which git itself does not do; Flux
/// does.) Source: Flux's pkg/sourceignore and its controllers' SourceIgnoreFilter.
///
/// Immutable; one per directory of a walk, sharing its parent's rules.
class IgnoreRules {
 public:
  /// Of the root, before its .sourceignore file. `spec_ignore` is null where there is none.
  explicit IgnoreRules(const std::string* spec_ignore);

  /// With the rules of the .sourceignore file `content` in `directory`.
  IgnoreRules With(absl::string_view content, absl::string_view directory) const;

  bool IsExcluded(absl::string_view path, bool is_directory) const;
  /// Whether something in the excluded directory may be taken back, so that a walk has to look.
  bool MayTakeBack() const { return may_take_back_; }

 private:
  using Patterns = std::vector<IgnorePattern>;

  std::shared_ptr<const Patterns> spec_;                // Null where there is none.
  std::vector<std::shared_ptr<const Patterns>> files_;  // From the root inwards.
  bool may_take_back_ = false;
};

}  // namespace lockstep
