#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::SizeIs;

constexpr char kWeb[] = "shop/web";
constexpr char kApi[] = "shop/api";

TEST(AgentStatus, TellsChangesOnly) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kApi, {{"b", "1"}});
  world.statuses.clear();
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  EXPECT_THAT(world.statuses, SizeIs(0));
  world.SendTexts(kWeb, {{"a", "2"}});
  ASSERT_FALSE(world.statuses.empty());
  for (const StatusReport& status : world.statuses) {
    EXPECT_FALSE(status.full);
    for (const ApplicationReport& report : status.applications) EXPECT_EQ(report.name, kWeb);
  }
}

TEST(AgentStatus, ProgressWaitsForOthersAndAnEndIsToldAtOnce) {
  AgentWorld world;
  world.Receive(StatusAck{world.state.status_seq});
  world.hold_runs = true;
  world.statuses.clear();
  world.SendTexts(kWeb, {{"a", "1"}});
  EXPECT_THAT(world.statuses, SizeIs(0));
  EXPECT_EQ(world.timers.at({TimerId::Kind::kStatus, ""}), kStatusGather);
  world.RunNext();
  ASSERT_THAT(world.statuses, SizeIs(1));
  EXPECT_EQ(world.statuses[0].applications.at(0).state, ApplicationState::kSynced);
}

TEST(AgentStatus, NumbersGrowByOneAndOverRestarts) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  const uint64_t last = world.statuses.back().seq;
  for (size_t i = 1; i < world.statuses.size(); ++i) {
    EXPECT_EQ(world.statuses[i].seq, world.statuses[i - 1].seq + 1);
  }
  world.statuses.clear();
  world.Restart();
  ASSERT_FALSE(world.statuses.empty());
  EXPECT_GT(world.statuses[0].seq, last);
  EXPECT_TRUE(world.statuses[0].full);
}

TEST(AgentStatus, WhatWasNotAcknowledgedIsToldAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Disconnect();
  world.statuses.clear();
  world.Connect();
  ASSERT_THAT(world.statuses, SizeIs(1));
  EXPECT_TRUE(world.statuses[0].full);
}

TEST(AgentStatus, AReconnectWithNothingNewTellsNothing) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Receive(StatusAck{world.statuses.back().seq});
  world.Disconnect();
  world.statuses.clear();
  world.Connect();
  EXPECT_THAT(world.statuses, SizeIs(0));
}

TEST(AgentStatus, ANewHubIsToldEverything) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Receive(StatusAck{world.statuses.back().seq});
  world.Disconnect();
  world.statuses.clear();
  world.incarnation = std::string(16, 'n');
  world.Connect();
  ASSERT_THAT(world.statuses, SizeIs(1));
  EXPECT_TRUE(world.statuses[0].full);
  EXPECT_THAT(world.statuses[0].applications, SizeIs(1));
}

TEST(AgentStatus, AnUnacknowledgedDriftIsToldAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.DeleteForeign(TextKey("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  ASSERT_THAT(world.drifts, SizeIs(1));
  world.Disconnect();
  world.Connect();
  EXPECT_THAT(world.drifts, SizeIs(2));
  world.Receive(StatusAck{world.statuses.back().seq});
  world.Disconnect();
  world.Connect();
  EXPECT_THAT(world.drifts, SizeIs(2));
}

TEST(AgentStatus, DriftThatNobodyAcknowledgesIsBoundedAndTheNewestIsToldInOrder) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  const size_t count = kDriftsMax + 20;
  for (size_t i = 0; i < count; ++i) {
    world.now += absl::Seconds(1);
    world.target.DeleteForeign(TextKey("a"));
    world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  }
  size_t kept = 0;
  for (const auto& [seq, drifts] : world.state.drifts_sent) kept += drifts.size();
  EXPECT_EQ(kept, kDriftsMax);
  const std::vector<DriftReport> told = std::exchange(world.drifts, {});
  ASSERT_THAT(told, SizeIs(count));
  world.Disconnect();
  world.target.DeleteForeign(TextKey("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  world.Connect();
  ASSERT_THAT(world.drifts, SizeIs(kDriftsMax));
  EXPECT_EQ(world.drifts[0].time, told[count - kDriftsMax + 1].time);
  for (size_t i = 1; i < world.drifts.size(); ++i) {
    EXPECT_GE(world.drifts[i].time, world.drifts[i - 1].time);
  }
}

TEST(AgentStatus, AReportOnRequestIsFull) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.statuses.clear();
  world.Receive(Command{1, Command::Report{}});
  ASSERT_THAT(world.statuses, SizeIs(1));
  EXPECT_TRUE(world.statuses[0].full);
}

TEST(AgentStatus, ManyApplicationsTravelInSeveralMessagesOfWhichTheFirstIsFull) {
  AgentWorld world;
  std::vector<ApplicationTarget> targets;
  for (int i = 0; i < 600; ++i) {
    targets.push_back(world.Target(absl::StrCat("shop/a", i), {{absl::StrCat("n", i), "1"}}));
  }
  world.SendTargets(targets);
  world.statuses.clear();
  world.Receive(Command{1, Command::Report{}});
  ASSERT_GT(world.statuses.size(), 1);
  size_t applications = 0;
  for (size_t i = 0; i < world.statuses.size(); ++i) {
    EXPECT_EQ(world.statuses[i].full, i == 0);
    applications += world.statuses[i].applications.size();
  }
  EXPECT_EQ(applications, 600);
}

TEST(AgentStatus, ABeatIsSentOnlyWhereNothingElseWas) {
  AgentWorld world;
  const TimerId beat{TimerId::Kind::kBeat, ""};
  world.Fire(beat);  // Hello was a sign of life.
  const size_t before = world.timers.size();
  EXPECT_FALSE(world.state.session->spoke);
  world.Fire(beat);
  EXPECT_TRUE(world.timers.contains(beat));
  EXPECT_EQ(world.timers.size(), before);
}

}  // namespace
}  // namespace lockstep
