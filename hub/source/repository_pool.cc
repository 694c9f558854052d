#include "hub/source/repository_pool.h"

#include "common/base/status.h"

namespace lockstep {
namespace {

// More readers than this at once open their own; the rest are closed when they return.
constexpr size_t kIdleMax = 8;

}  // namespace

absl::StatusOr<RepositoryPool::Lease> RepositoryPool::Take() const {
  RepositoryHandle repository;
  {
    MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      repository = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (repository == nullptr) {
    InitializeGit();
    LOCKSTEP_ASSIGN_OR_RETURN(repository, OpenRepository(path_));
  }
  return Lease(this, std::move(repository));
}

void RepositoryPool::Return(RepositoryHandle repository) const {
  MutexLock lock(&mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(repository));
}

}  // namespace lockstep
