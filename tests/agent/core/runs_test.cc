#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr char kWeb[] = "shop/web";

Value Theirs(absl::string_view name) { return *ReadJson(TextBlob(name, "theirs"), "test"); }

TEST(Drift, AForeignWriteIsPutBackAtOnceAndTold) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.target.ResetCounters();
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_EQ(world.There().at("a"), "1");
  EXPECT_EQ(world.target.writes(), 1);
  EXPECT_EQ(world.target.observed(), 1);
  ASSERT_THAT(world.drifts, SizeIs(1));
  EXPECT_EQ(world.drifts[0].kind, DriftReport::Kind::kModified);
  EXPECT_THAT(world.drifts[0].fields, ElementsAre(".data.text"));
}

TEST(Drift, ARemovedObjectIsMadeAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.DeleteForeign(TextKey("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
  ASSERT_THAT(world.drifts, SizeIs(1));
  EXPECT_EQ(world.drifts[0].kind, DriftReport::Kind::kDeleted);
}

TEST(Drift, ANoticeWithoutADifferenceWritesNothing) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.ResetCounters();
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a"), TextKey("unknown")}});
  EXPECT_EQ(world.target.writes(), 0);
  EXPECT_EQ(world.target.observed(), 1);
  EXPECT_THAT(world.drifts, IsEmpty());
}

TEST(Drift, TheIntervalFindsWhatNoNoticeTold) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  ASSERT_TRUE(world.timers.contains({TimerId::Kind::kReconcile, kWeb}));
  const absl::Duration wait = world.timers.at({TimerId::Kind::kReconcile, kWeb});
  EXPECT_GE(wait, absl::Minutes(9));
  EXPECT_LE(wait, absl::Minutes(11));
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  EXPECT_EQ(world.There().at("a"), "1");
}

TEST(Drift, IsPutBackWithoutAHubAndToldOnceThereIsOne) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Disconnect();
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_EQ(world.There().at("a"), "1");
  EXPECT_THAT(world.drifts, IsEmpty());
  world.Connect();
  EXPECT_THAT(world.drifts, SizeIs(1));
}

TEST(Drift, IsPutBackAfterARestartWithoutAHub) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.connect = false;
  world.Restart();
  EXPECT_EQ(world.There().at("a"), "1");
}

TEST(Suspend, NothingIsAppliedRevertedOrDeletedUntilResumed) {
  AgentWorld world;
  ApplicationOptions suspended;
  suspended.suspend = true;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}}, suspended);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSuspended);
  world.target.ResetCounters();
  world.SendTexts(kWeb, {{"a", "2"}, {"b", "1"}}, suspended);
  world.target.WriteForeign(TextKey("b"), Theirs("b"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("b")}});
  world.Restart();
  EXPECT_EQ(world.target.writes() + world.target.deletes(), 0);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSuspended);

  world.SendTexts(kWeb, {{"a", "2"}, {"b", "1"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2"), Pair("b", "1")));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Foreign, AnObjectInPlaceThatIsEqualIsTakenOver) {
  AgentWorld world;
  world.target.WriteForeign(TextKey("a"), *ReadJson(TextBlob("a", "1"), "test"));
  world.SendTexts(kWeb, {{"a", "1"}});
  EXPECT_EQ(world.target.writes(), 0);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_EQ(world.There().at("a"), "1");  // It is ours from now on.
}

TEST(Foreign, AnotherObjectInPlaceStallsTheApplicationUntilAPersonAcceptsIt) {
  AgentWorld world;
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "theirs")));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kStalled);
  EXPECT_THAT(world.report(kWeb).message, HasSubstr("ConfigMap shop/a"));
  ApplicationTarget accepted = world.Target(kWeb, {{"a", "1"}, {"b", "1"}});
  accepted.accept_foreign = true;
  world.SendTargets({accepted});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Foreign, RemovedByItsOwnerTheApplicationGoesOnAtTheNotice) {
  AgentWorld world;
  world.target.WriteForeign(TextKey("a"), Theirs("a"));
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.target.DeleteForeign(TextKey("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST(Runs, AFailureIsRetriedSoonerThanTheIntervalAndSlowsDown) {
  AgentWorld world;
  world.target.set_fault([](MemoryTarget::Call call, const ObjectKey& key) {
    const bool fails = call == MemoryTarget::Call::kApply && key.name == "a";
    return fails ? absl::UnavailableError("busy") : absl::OkStatus();
  });
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  const TimerId timer{TimerId::Kind::kReconcile, kWeb};
  absl::Duration before = absl::ZeroDuration();
  for (int i = 0; i < 4; ++i) {
    EXPECT_GT(world.timers.at(timer), before);
    EXPECT_LT(world.timers.at(timer), absl::Minutes(1));
    before = world.timers.at(timer);
    world.Fire(timer);
  }
  EXPECT_EQ(world.report(kWeb).reason, "Retrying");
  world.target.set_fault(nullptr);
  world.Fire(timer);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
  EXPECT_GT(world.timers.at(timer), absl::Minutes(8));
}

TEST(Runs, AStageThatFailsItsValidationIsNotWrittenAtAll) {
  AgentWorld world;
  world.target.set_fault([](MemoryTarget::Call call, const ObjectKey& key) {
    const bool fails = call == MemoryTarget::Call::kValidate && key.name != "b";
    return fails ? absl::InvalidArgumentError("bad") : absl::OkStatus();
  });
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  EXPECT_THAT(world.There(), IsEmpty());
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kStalled);
  EXPECT_EQ(world.report(kWeb).problem_count, 2);  // Every failing object is named.
}

TEST(Runs, ANewDesiredInterruptsTheRunOfTheOneBefore) {
  AgentWorld world;
  world.hold_runs = true;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  EXPECT_THAT(world.cancelled, SizeIs(1));
  while (!world.runs.empty()) world.RunNext();
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
  EXPECT_EQ(world.target.writes(), 1);
}

TEST(Runs, SyncComparesEverythingAtOnce) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.target.ResetCounters();
  world.Receive(Command{1, Command::Sync{{kWeb}}});
  EXPECT_EQ(world.target.observed(), 2);
  world.Receive(Command{1, Command::Sync{{"shop/other"}}});
  EXPECT_EQ(world.target.observed(), 2);
}

TEST(Account, A46WithoutOneNothingIsDoneOnACluster) {
  AgentWorld world;
  world.target_kind = TargetKind::kKubernetes;
  world.Restart();
  world.SendTexts(kWeb, {{"a", "1"}});
  EXPECT_EQ(world.target.observed(), 0);
  EXPECT_THAT(world.There(), IsEmpty());
  EXPECT_FALSE(world.watched.contains(kWeb));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kStalled);
  EXPECT_EQ(world.report(kWeb).reason, "NoServiceAccount");
  EXPECT_THAT(world.report(kWeb).message, HasSubstr("serviceAccountName"));

  world.SendTexts(kWeb, {{"a", "1"}}, {.service_account = "deployer"});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
  EXPECT_TRUE(world.watched.contains(kWeb));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);

  // Once there was one and now there is none: what is there stays as it is.
  world.SendTexts(kWeb, {{"a", "2"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kStalled);
  EXPECT_FALSE(world.watched.contains(kWeb));
}

}  // namespace
}  // namespace lockstep
