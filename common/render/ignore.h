#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

namespace lockstep {

/// One line of gitignore syntax: '!', anchoring, a '/' at the end, '*', '?', "[a-z]", "**", '\'.
///
/// Matching takes time proportional to the pattern times the path at worst.
class IgnorePattern {
 public:
  /// `line` is neither blank nor a comment. `directory` is where its file stands; "" is the root.
  IgnorePattern(absl::string_view line, absl::string_view directory);

  /// Whether the pattern names `path` (relative to the root) itself; not by a directory over it.
  bool Matches(absl::string_view path, bool is_directory) const;
  /// A line with '!': takes back what earlier ones exclude.
  bool negated() const { return negated_; }

 private:
  std::string directory_;           // With a trailing '/', or "".
  std::vector<std::string> parts_;  // Between slashes; "**" crosses directories.
  bool negated_ = false;
  bool only_directories_ = false;
};

/// Which files of a repository are left out, as Flux does it.
///
/// Rules come, weakest first: version control's own files; Flux's default excludes, where neither a
/// .sourceignore file nor spec.ignore is in force; .sourceignore files from the root inwards;
/// spec.ignore. The last rule that matches decides, and one that matches a directory matches all
/// in it. (So a file in an excluded directory can be taken back, which git itself does not do;
/// Flux does.) Source: Flux's pkg/sourceignore and source-controller's SourceIgnoreFilter.
///
/// Immutable; a directory with a .sourceignore file gets its own, which shares the other rules.
class IgnoreRules {
 public:
  /// What the rules say of one path; a path is judged after the directory that holds it.
  struct Verdict {
    bool excluded = false;
    uint64_t rank = 0;  // Of the rule that decided; 0 where none matched.
  };

  /// Those of the root, before its .sourceignore file. `spec_ignore` is null where there is none.
  /// RESOURCE_EXHAUSTED for too many or too long lines.
  static absl::StatusOr<IgnoreRules> Make(const std::string* spec_ignore);

  /// With those of the .sourceignore file `content` in `directory`, and Make's error.
  absl::StatusOr<IgnoreRules> With(absl::string_view content, absl::string_view directory) const;

  /// `parent` is the verdict on the directory that holds `path`.
  Verdict Judge(Verdict parent, absl::string_view path, bool is_directory) const;
  /// Whether something in an excluded directory may be taken back, so that a walk has to look.
  bool MayTakeBack() const { return may_take_back_; }

 private:
  using Patterns = std::vector<IgnorePattern>;

  static absl::StatusOr<std::shared_ptr<const Patterns>> Read(absl::string_view content,
                                                              absl::string_view directory);
  absl::Status Check() const;
  bool HasDefaults() const { return spec_ == nullptr && files_.empty(); }

  std::vector<std::shared_ptr<const Patterns>> files_;  // From the root inwards, none empty.
  std::shared_ptr<const Patterns> spec_;                // Null where it says nothing.
  bool may_take_back_ = false;
};

}  // namespace lockstep
