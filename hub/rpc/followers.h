#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"
#include "common/credentials/identity.h"

namespace lockstep {

/// A stream that waits for something to happen.
class Follower {
 public:
  virtual ~Follower() = default;
  /// Something may have happened.
  virtual void Poke() = 0;
  virtual void EndFollowing(const absl::Status& status) = 0;
  virtual const PeerIdentity& user() const = 0;
};

/// Wakes those who follow, at most once in kWakeInterval, and looks every kCheckInterval whether
/// their users may still do so (SECURITY A-65). A thread of its own does both. Thread-safe. Only
/// for this folder's own files.
class Followers {
 public:
  static constexpr absl::Duration kWakeInterval = absl::Milliseconds(100);
  static constexpr absl::Duration kCheckInterval = absl::Seconds(2);

  /// `check_user` is called on the thread; `clock` outlives this.
  Followers(std::function<absl::Status(const PeerIdentity&)> check_user, const Clock* clock);
  ~Followers();

  void Start();
  /// Ends all streams and those that still come. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  void Changed(uint64_t sequence) ABSL_LOCKS_EXCLUDED(mutex_);
  /// The newest that Changed said.
  uint64_t sequence() const ABSL_LOCKS_EXCLUDED(mutex_);

  void Add(const std::shared_ptr<Follower>& follower) ABSL_LOCKS_EXCLUDED(mutex_);
  void Remove(Follower* follower) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  void EndRemovedUsers();
  std::vector<std::shared_ptr<Follower>> All() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Fixed at construction.
  const std::function<absl::Status(const PeerIdentity&)> check_user_;
  const Clock* const clock_;
  Wakeup wakeup_;  // Thread-safe.

  // Guarded by mutex_.
  mutable Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Follower*, std::weak_ptr<Follower>> followers_ ABSL_GUARDED_BY(mutex_);

  Thread thread_;
};

}  // namespace lockstep
