#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LOCKSTEP_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define LOCKSTEP_TSAN 1
#endif

#ifdef LOCKSTEP_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace lockstep {

/// absl::Mutex, with every acquire and release told to ThreadSanitizer.
///
/// The packaged absl is not instrumented, so TSan does not see that its mutex orders anything and
/// reports races in correct programs. All locks of the program are of this type.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mutex_.Lock();
    Acquired();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    Releasing();
    mutex_.Unlock();
  }

  /// Releases the lock until `condition` is true, then holds it again. The lock must be held.
  void Await(const absl::Condition& condition) ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const Told told{this, &condition};
    Releasing();
    mutex_.Await(told.condition());
    Acquired();
  }

  /// As Await, for at most `timeout`; returns whether `condition` holds.
  bool AwaitWithTimeout(const absl::Condition& condition, absl::Duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const Told told{this, &condition};
    Releasing();
    const bool held = mutex_.AwaitWithTimeout(told.condition(), timeout);
    Acquired();
    return held;
  }

 private:
#ifdef LOCKSTEP_TSAN
  void Acquired() { __tsan_acquire(this); }
  void Releasing() { __tsan_release(this); }

  // Conditions are looked at by whichever thread holds the mutex inside absl: that is told, too.
  struct Told {
    Mutex* const mutex;
    const absl::Condition* const wanted;

    absl::Condition condition() const { return absl::Condition(&Told::Eval, this); }
    __attribute__((no_sanitize("thread"))) static bool Eval(const Told* told) {
      __tsan_acquire(told->mutex);
      const bool holds = told->wanted->Eval();
      __tsan_release(told->mutex);
      return holds;
    }
  };
#else
  void Acquired() {}
  void Releasing() {}

  struct Told {
    Mutex* const mutex;
    const absl::Condition* const wanted;

    const absl::Condition& condition() const { return *wanted; }
  };
#endif

  absl::Mutex mutex_;
};

/// Holds a Mutex for a scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

}  // namespace lockstep
