#include "agent/loop/timers.h"

#include <vector>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

// Collects what fired, and waits for a number of it.
class Fired {
 public:
  Timers::Fire Callback() {
    return [this](const TimerId& id) {
      MutexLock lock(&mutex_);
      names_.push_back(id.application);
    };
  }
  std::vector<std::string> Wait(size_t count) {
    MutexLock lock(&mutex_);
    wanted_ = count;
    mutex_.AwaitWithTimeout(absl::Condition(this, &Fired::Enough), absl::Seconds(20));
    return names_;
  }

 private:
  bool Enough() const ABSL_NO_THREAD_SAFETY_ANALYSIS { return names_.size() >= wanted_; }

  Mutex mutex_;
  std::vector<std::string> names_ ABSL_GUARDED_BY(mutex_);
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
};

TimerId Id(absl::string_view name) { return {TimerId::Kind::kReconcile, std::string(name)}; }

TEST(Timers, FireInTheOrderOfTheirTimes) {
  Fired fired;
  Timers timers(SystemClock());
  timers.Set(&fired, Id("late"), absl::Milliseconds(30), fired.Callback());
  timers.Set(&fired, Id("soon"), absl::Milliseconds(5), fired.Callback());
  EXPECT_THAT(fired.Wait(2), testing::ElementsAre("soon", "late"));
}

TEST(Timers, ASecondOneOfTheSameIdReplacesTheFirst) {
  Fired fired;
  Timers timers(SystemClock());
  timers.Set(&fired, Id("a"), absl::ZeroDuration(), fired.Callback());
  fired.Wait(1);
  timers.Set(&fired, Id("a"), absl::Hours(1), fired.Callback());
  timers.Set(&fired, Id("a"), absl::Milliseconds(1), fired.Callback());
  timers.Set(&fired, Id("end"), absl::Milliseconds(20), fired.Callback());
  EXPECT_THAT(fired.Wait(3), testing::ElementsAre("a", "a", "end"));
}

TEST(Timers, CancelledOnesAreSilentAndOtherOwnersKeepTheirs) {
  Fired fired;
  int other = 0;
  Timers timers(SystemClock());
  timers.Set(&fired, Id("a"), absl::Milliseconds(10), fired.Callback());
  timers.Set(&fired, Id("b"), absl::Milliseconds(10), fired.Callback());
  timers.Set(&other, Id("c"), absl::Milliseconds(20), fired.Callback());
  timers.Cancel(&fired, Id("a"));
  timers.CancelAll(&fired);
  EXPECT_THAT(fired.Wait(1), testing::ElementsAre("c"));
}

}  // namespace
}  // namespace lockstep
