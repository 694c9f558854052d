#pragma once

#include <absl/time/time.h>

#include "common/base/file.h"

namespace lockstep {

/// Lets one thread sleep for a time that others may cut short.
///
/// The time is measured on the monotonic clock. Mutex::AwaitWithTimeout is not for that: the
/// packaged absl turns its timeout into a moment of the wall clock, so that it lasts longer by as
/// much as the clock is set back meanwhile. Thread-safe; only one thread may wait.
class Wakeup {
 public:
  Wakeup();

  /// Ends the Wait under way, or the next one. Never blocks.
  void Wake();

  /// Returns true when woken, false after `timeout`, which may be infinite. Several wakes end one
  /// wait; it may end early, without a reason.
  bool Wait(absl::Duration timeout);

 private:
  const OwnedFd event_;
};

}  // namespace lockstep
