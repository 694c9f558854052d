#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/file.h"
#include "common/base/mutex.h"
#include "common/render/snapshot.h"

namespace lockstep {

/// A directory of this machine as a Snapshot, for rendering without a repository. It is taken not
/// to change: ids are made of what the file system says of a file (device, number, size, times).
///
/// Every step goes through openat beneath the directory and follows no symbolic link, so that
/// nothing outside is ever read. Safe for concurrent readers.
class DiskSnapshot : public Snapshot {
 public:
  /// Errors as FileError; FAILED_PRECONDITION where `root` is no directory.
  static absl::StatusOr<std::unique_ptr<DiskSnapshot>> Open(const std::string& root);

  /// 40 zeros: there is no commit.
  const std::string& commit() const override { return commit_; }
  absl::StatusOr<Entry> Find(absl::string_view path) const override;
  absl::StatusOr<std::vector<Entry>> List(absl::string_view path,
                                          size_t entries_max) const override;
  absl::StatusOr<std::shared_ptr<const std::string>> ReadFile(absl::string_view path,
                                                              uint64_t bytes_max) const override;

 private:
  // Directories that are kept open; beyond that they are opened each time.
  static constexpr size_t kOpenMax = 256;

  explicit DiskSnapshot(OwnedFd root);

  using Directory = std::shared_ptr<const OwnedFd>;
  absl::StatusOr<Directory> OpenDirectory(absl::string_view path) const ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string commit_ = std::string(40, '0');
  const Directory root_;

  mutable Mutex mutex_;
  mutable absl::flat_hash_map<std::string, Directory> open_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
