#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/mutex.h"
#include "common/render/snapshot.h"
#include "hub/source/repository_pool.h"

namespace lockstep {

/// A commit of a mirror, read object by object: there is no working tree. Sizes are asked for
/// before content is read.
///
/// Beside what Snapshot says: INVALID_ARGUMENT for a path that is not relative and plain (`..`, a
/// backslash, control characters, over 4,096 bytes or 64 parts); FAILED_PRECONDITION from List for
/// a name that no honest tree holds (control characters, spellings of ".git"); DATA_LOSS where an
/// object lacks or is damaged. Thread-safe.
class GitSnapshot : public Snapshot {
 public:
  /// `commit` is 40 hex digits. NOT_FOUND if the mirror does not have it. `object_bytes_max` bounds
  /// one object.
  static absl::StatusOr<std::shared_ptr<const GitSnapshot>> Open(
      std::shared_ptr<const RepositoryPool> pool, absl::string_view commit,
      int64_t object_bytes_max);

  const std::string& commit() const override { return commit_; }
  absl::StatusOr<Entry> Find(absl::string_view path) const override;
  absl::StatusOr<std::vector<Entry>> List(absl::string_view path,
                                          size_t entries_max) const override;
  absl::StatusOr<std::shared_ptr<const std::string>> ReadFile(absl::string_view path,
                                                              uint64_t bytes_max) const override;

 private:
  GitSnapshot(std::shared_ptr<const RepositoryPool> pool, std::string commit, const git_oid& tree,
              int64_t object_bytes_max)
      : pool_(std::move(pool)),
        commit_(std::move(commit)),
        tree_(tree),
        object_bytes_max_(object_bytes_max) {}

  absl::StatusOr<Entry> FindIn(git_repository* repository, absl::string_view path) const;
  // What List found there before; not set where its directory was not listed.
  std::optional<absl::StatusOr<Entry>> FindListed(absl::string_view path) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void KeepListed(absl::string_view path, const std::vector<Entry>& entries) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<TreeHandle> ReadTree(git_repository* repository, const git_oid& id) const;
  absl::StatusOr<uint64_t> SizeOf(git_odb* odb, const git_oid& id, git_object_t want) const;
  absl::Status Damaged(int code, const git_oid& id) const;
  absl::Status At(const absl::Status& status, absl::string_view path) const;

  // Fixed at construction.
  const std::shared_ptr<const RepositoryPool> pool_;
  const std::string commit_;
  const git_oid tree_;
  const int64_t object_bytes_max_;

  // Guarded by mutex_: directories that were listed, each sorted by name. Whoever reads a folder's
  // files one after another would otherwise have its tree, and those above it, unpacked for each.
  mutable Mutex mutex_;
  mutable std::map<std::string, std::vector<Entry>, std::less<>> listed_ ABSL_GUARDED_BY(mutex_);
  mutable size_t listed_entries_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lockstep
