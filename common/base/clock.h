#pragma once

#include <absl/time/time.h>

namespace lockstep {

/// Where time comes from. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// The wall clock, UTC: what is shown and stored.
  virtual absl::Time Now() const = 0;

  /// Time since an arbitrary moment; never goes back. Deadlines and durations use it.
  virtual absl::Duration Monotonic() const = 0;
};

/// The machine's clock. Lives for the whole program.
Clock* SystemClock();

/// A clock that stands still until it is moved; for tests and the simulation. Not thread-safe.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time start) : now_(start) {}

  absl::Time Now() const override { return now_; }
  absl::Duration Monotonic() const override { return monotonic_; }

  void Advance(absl::Duration by) {
    now_ += by;
    monotonic_ += by;
  }
  /// Moves the wall clock alone, as an administrator or a time server does.
  void JumpWall(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_;
  absl::Duration monotonic_ = absl::ZeroDuration();
};

}  // namespace lockstep
