#pragma once

#include <functional>
#include <map>
#include <set>
#include <utility>

#include <absl/time/time.h>

#include "agent/core/event.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"

namespace lockstep {

/// One thread that fires timers of any number of agents, on the monotonic clock. Thread-safe.
class Timers {
 public:
  using Fire = std::function<void(const TimerId&)>;

  /// `clock` is borrowed and must really run: the thread waits by it.
  explicit Timers(const Clock* clock);
  ~Timers() { Stop(); }

  /// Calls `fire` on the timers' thread after `after`; replaces the owner's timer of the same id.
  void Set(const void* owner, const TimerId& id, absl::Duration after, Fire fire);
  void Cancel(const void* owner, const TimerId& id);
  /// Drops the owner's timers; none of them fires after it returned.
  void CancelAll(const void* owner);
  /// Ends the thread. Idempotent.
  void Stop();

 private:
  using Key = std::pair<const void*, TimerId>;

  void Run();
  // Waits for what is due and takes it out; false when stopped.
  bool TakeDue(Key* key, Fire* fire);
  void Drop(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Fixed at construction.
  const Clock* const clock_;
  Wakeup wakeup_;  // Thread-safe: the thread must look anew.

  // Guarded by mutex_.
  Mutex mutex_;
  std::map<Key, std::pair<absl::Duration, Fire>> timers_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<absl::Duration, Key>> due_ ABSL_GUARDED_BY(mutex_);
  const void* firing_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Whose timer fires at the moment.
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  Thread thread_;
};

}  // namespace lockstep
