#pragma once

#include <memory>
#include <utility>

#include <absl/container/flat_hash_set.h>

#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/rpc/credentials.h"

namespace lockstep {

class UserDirectory;

/// The fingerprints that may not connect any more: what the core decided, for the threads that
/// accept connections. Thread-safe.
class RevokedKeys {
 public:
  using Set = absl::flat_hash_set<Digest>;

  void Replace(Set fingerprints) ABSL_LOCKS_EXCLUDED(mutex_) {
    auto next = std::make_shared<const Set>(std::move(fingerprints));
    MutexLock lock(&mutex_);
    set_.swap(next);
  }

  bool Contains(const Digest& fingerprint) const ABSL_LOCKS_EXCLUDED(mutex_) {
    return Snapshot()->contains(fingerprint);
  }

 private:
  std::shared_ptr<const Set> Snapshot() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return set_;
  }

  // Guarded by mutex_.
  mutable Mutex mutex_;
  std::shared_ptr<const Set> set_ ABSL_GUARDED_BY(mutex_) = std::make_shared<const Set>();
};

/// The hub's rule for who may connect: an agent whose key is not revoked, or a user of the
/// directory. Both must outlive what this returns.
PeerCheck MakeHubPeerCheck(const RevokedKeys* revoked, const UserDirectory* users);

}  // namespace lockstep
