#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include <absl/time/time.h>

#include "common/base/clock.h"

namespace lockstep::sim {

/// Virtual time: what is to happen, in order. Two things of one moment happen in the order in which
/// they were planned.
class Scheduler {
 public:
  explicit Scheduler(absl::Time start) : clock_(start) {}

  ManualClock* clock() { return &clock_; }
  absl::Time Now() const { return clock_.Now(); }
  uint64_t steps() const { return steps_; }

  void After(absl::Duration delay, std::function<void()> task) {
    due_.emplace(std::pair(Now() + std::max(delay, absl::ZeroDuration()), next_++),
                 std::move(task));
  }

  /// Lets all that is due until `until` happen, while `go_on` says so, and moves time there. Tasks
  /// may call it: a reconcile run lets others act while its own next call is under way.
  template <typename GoOn>
  void RunUntil(absl::Time until, const GoOn& go_on) {
    while (go_on() && !due_.empty() && due_.begin()->first.first <= until) {
      auto next = due_.extract(due_.begin());
      if (next.key().first > Now()) clock_.Advance(next.key().first - Now());
      ++steps_;
      next.mapped()();
    }
    if (until > Now()) clock_.Advance(until - Now());
  }

 private:
  ManualClock clock_;
  std::map<std::pair<absl::Time, uint64_t>, std::function<void()>> due_;
  uint64_t next_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace lockstep::sim
