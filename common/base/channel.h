#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/mutex.h"

namespace lockstep {

/// A bounded queue of values between threads. Thread-safe.
template <typename T>
class Channel {
 public:
  /// At most `capacity` values wait; must be positive.
  explicit Channel(size_t capacity) : capacity_(capacity) {}

  /// Waits for room, then adds; false when the channel is closed (the value is dropped). Never call
  /// it from a gRPC reaction: use TrySend.
  bool Send(T value) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Channel::HasRoom));
    if (closed_) return false;
    values_.push_back(std::move(value));
    return true;
  }

  /// Adds if there is room, never waits; false when full or closed.
  bool TrySend(T value) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (closed_ || values_.size() >= capacity_) return false;
    values_.push_back(std::move(value));
    return true;
  }

  /// Waits at most `timeout` for a value, then takes all that wait, at most `most`. Empty after the
  /// time or when closed and drained.
  std::vector<T> Drain(size_t most, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(this, &Channel::HasValueOrClosed), timeout);
    std::vector<T> taken;
    while (!values_.empty() && taken.size() < most) {
      taken.push_back(std::move(values_.front()));
      values_.pop_front();
    }
    return taken;
  }

  /// Waits for one value; nothing when closed and drained.
  std::optional<T> Receive() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(this, &Channel::HasValueOrClosed));
    if (values_.empty()) return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

  /// Ends all waiting; what is queued can still be received. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    closed_ = true;
  }

  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return closed_;
  }

 private:
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ || values_.size() < capacity_;
  }
  bool HasValueOrClosed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closed_ || !values_.empty();
  }

  // Fixed at construction.
  const size_t capacity_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  std::deque<T> values_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lockstep
