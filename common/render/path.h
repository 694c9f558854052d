#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Checks a path inside a repository that came from outside, and returns it as Snapshot wants it:
/// "./a//b/" is "a/b",
/// "" and "." are the root "".
///
/// INVALID_ARGUMENT for a path that is absolute, holds "..", a backslash, a control character, an
/// escape such as "%2e" or
/// "%2f" that some reader could take for a dot or separator, or a scheme ("file:"); that is no
/// UTF-8, over 4,096 bytes, or over 100 parts.
absl::StatusOr<std::string> NormalizePath(absl::string_view path);

/// What a path's placeholders stand for.
struct ClusterFacts {
  std::string name;
  std::map<std::string, std::string> labels;
};

/// A path with placeholders for the cluster: ${cluster.name}, ${cluster.labels.KEY} (the key runs
/// to the brace); $${ is a literal ${.
class PathTemplate {
 public:
  /// The root.
  PathTemplate() = default;

  /// INVALID_ARGUMENT for an unknown placeholder (with the nearest known one), an open brace, or a
  /// path that no cluster could make right (NormalizePath).
  static absl::StatusOr<PathTemplate> Parse(absl::string_view text);

  /// The path for `cluster`, normalized and checked again, so that a label cannot lead out of the
  /// repository.
  ///
  /// INVALID_ARGUMENT for a label that the cluster lacks or that is empty: never an empty part.
  absl::StatusOr<std::string> Expand(const ClusterFacts& cluster) const;

  /// As it was written.
  const std::string& text() const { return text_; }
  /// Whether the path differs between clusters.
  bool HasPlaceholders() const;

  friend bool operator==(const PathTemplate& a, const PathTemplate& b) {
    return a.text_ == b.text_;
  }

 private:
  struct Piece {
    enum class Kind { kLiteral, kName, kLabel } kind;
    std::string text;  // The literal, or the label's key.
  };

  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace lockstep
