#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include "common/base/mutex.h"

namespace lockstep {

/// Counts failures per address and says who has had too many in the last minute. Remembers at most
/// 10,000 addresses, then starts anew: it keeps one careless or hostile address from costing work,
/// and secrets are far too long to be guessed from many. Times are monotonic. Thread-safe.
class FailureLimit {
 public:
  /// `per_minute` must be positive.
  explicit FailureLimit(int per_minute) : per_minute_(static_cast<size_t>(per_minute)) {}

  bool Exceeded(const std::string& address, absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);
  void Add(const std::string& address, absl::Duration now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  static constexpr size_t kAddressesMax = 10'000;
  using Times = std::deque<absl::Duration>;  // The last per_minute_ failures, oldest first.

  const size_t per_minute_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, Times> failures_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
