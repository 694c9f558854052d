#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// The files of one commit, as Git has them: never a worktree, so that nothing can change between
/// two reads.
///
/// Paths are relative to the root, parts joined by '/', without a leading or trailing slash; "" is
/// the root. Symbolic links are entries like any other and never followed: a path that leads
/// through one is NOT_FOUND. Safe for concurrent readers.
class Snapshot {
 public:
  enum class Kind : uint8_t { kFile, kDirectory, kSymlink, kSubmodule };

  struct Entry {
    std::string name;  // The last part of the path; "" for the root.
    Kind kind = Kind::kFile;
    /// 20 raw bytes: of the blob (file, link), the tree (directory) or the foreign commit
    /// (submodule). Equal ids mean equal content, across commits and repositories.
    std::string id;
    /// Of a file, where it costs nothing to know.
    std::optional<uint64_t> bytes;
  };

  Snapshot() = default;
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  virtual ~Snapshot() = default;

  /// The commit's id, 40 hex digits.
  virtual const std::string& commit() const = 0;

  /// What stands at `path`. NOT_FOUND where nothing does.
  virtual absl::StatusOr<Entry> Find(absl::string_view path) const = 0;

  /// The entries of the directory `path`, sorted by name bytewise.
  ///
  /// NOT_FOUND; FAILED_PRECONDITION where it is no directory; RESOURCE_EXHAUSTED where it has more
  /// than `entries_max` (found before they are copied).
  virtual absl::StatusOr<std::vector<Entry>> List(absl::string_view path,
                                                  size_t entries_max) const = 0;

  /// The content of the file `path`.
  ///
  /// NOT_FOUND; FAILED_PRECONDITION where it is no file; RESOURCE_EXHAUSTED where it has more than
  /// `bytes_max` (found before it is read).
  virtual absl::StatusOr<std::shared_ptr<const std::string>> ReadFile(absl::string_view path,
                                                                      uint64_t bytes_max) const = 0;
};

}  // namespace lockstep
