#include "common/base/wakeup.h"

#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/thread.h"

namespace lockstep {
namespace {

TEST(Wakeup, AWakeBeforeTheWaitIsNotLostAndSeveralAreOne) {
  Wakeup wakeup;
  wakeup.Wake();
  wakeup.Wake();
  EXPECT_TRUE(wakeup.Wait(absl::InfiniteDuration()));
  EXPECT_FALSE(wakeup.Wait(absl::ZeroDuration()));
  EXPECT_FALSE(wakeup.Wait(-absl::Seconds(1)));
}

TEST(Wakeup, AWaitLastsAsLongAsItSaysOnTheMonotonicClock) {
  Wakeup wakeup;
  const absl::Duration begun = SystemClock()->Monotonic();
  EXPECT_FALSE(wakeup.Wait(absl::Milliseconds(2)));
  EXPECT_GE(SystemClock()->Monotonic() - begun, absl::Milliseconds(2));
}

TEST(Wakeup, AnotherThreadEndsAWait) {
  Wakeup wakeup;
  Thread thread("wake", [&] { wakeup.Wake(); });
  EXPECT_TRUE(wakeup.Wait(absl::InfiniteDuration()));
}

}  // namespace
}  // namespace lockstep
