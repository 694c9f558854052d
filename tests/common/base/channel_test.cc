#include "common/base/channel.h"

#include <gmock/gmock.h>

#include "common/base/thread.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Channel, RefusesOverItsCapacityWithoutWaiting) {
  Channel<int> channel(2);
  EXPECT_TRUE(channel.TrySend(1));
  EXPECT_TRUE(channel.TrySend(2));
  EXPECT_FALSE(channel.TrySend(3));
  EXPECT_THAT(channel.Drain(10, absl::ZeroDuration()), ElementsAre(1, 2));
}

TEST(Channel, HandsOutWhatWasQueuedBeforeItClosed) {
  Channel<int> channel(2);
  channel.Send(1);
  channel.Close();
  EXPECT_FALSE(channel.Send(2));
  EXPECT_EQ(channel.Receive(), 1);
  EXPECT_EQ(channel.Receive(), std::nullopt);
  EXPECT_THAT(channel.Drain(10, absl::InfiniteDuration()), IsEmpty());
}

TEST(Channel, KeepsEachSendersOrderAcrossThreads) {
  Channel<int> channel(3);
  Thread sender("sender", [&] {
    for (int i = 0; i < 1000; ++i) channel.Send(i);
    channel.Close();
  });
  int expected = 0;
  while (const std::optional<int> value = channel.Receive()) EXPECT_EQ(*value, expected++);
  EXPECT_EQ(expected, 1000);
}

}  // namespace
}  // namespace lockstep
