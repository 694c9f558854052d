#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "common/base/mutex.h"
#include "hub/source/git_handle.h"

namespace lockstep {

/// Open handles of one mirror, each used by one thread at a time: libgit2's repositories are not
/// for sharing, and opening one costs more than reading a blob. Thread-safe.
class RepositoryPool {
 public:
  /// A handle on loan; goes back when it goes. The pool outlives it.
  class Lease {
   public:
    Lease(Lease&&) = default;
    ~Lease() {
      if (repository_ != nullptr) pool_->Return(std::move(repository_));
    }
    git_repository* get() const { return repository_.get(); }

   private:
    friend class RepositoryPool;
    Lease(const RepositoryPool* pool, RepositoryHandle repository)
        : pool_(pool), repository_(std::move(repository)) {}

    const RepositoryPool* pool_;
    RepositoryHandle repository_;
  };

  explicit RepositoryPool(std::string path) : path_(std::move(path)) {}

  /// Errors as OpenRepository.
  absl::StatusOr<Lease> Take() const;

  const std::string& path() const { return path_; }

  /// Notes that an object lacked or was damaged: the next fetch makes the mirror anew.
  void ReportDamage() const { damaged_ = true; }
  bool damaged() const { return damaged_; }

 private:
  void Return(RepositoryHandle repository) const;

  const std::string path_;
  mutable std::atomic<bool> damaged_ = false;
  mutable Mutex mutex_;
  mutable std::vector<RepositoryHandle> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
