// An agent killed anywhere, and what must be true when it is back.
#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr char kWeb[] = "shop/web";

Texts Numbered(int from, int to, absl::string_view text) {
  Texts texts;
  for (int i = from; i < to; ++i) texts[absl::StrCat("n", 100 + i)] = std::string(text);
  return texts;
}

// The inventory names exactly what lies in the target, and all of that is as wanted.
void ExpectConverged(AgentWorld& world, const Texts& wanted) {
  EXPECT_EQ(world.There(), wanted);
  std::set<std::string> names;
  for (const auto& [name, text] : wanted) names.insert(name);
  EXPECT_EQ(world.InventoryOf(kWeb), names);
  EXPECT_THAT(world.state.durable.applications.at(kWeb).target.tombstones, IsEmpty());
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced) << world.report(kWeb).message;
}

// Kills the agent after `k` writes or deletes of the change from `before` to `after`.
void KillAfter(int k, const Texts& before, const Texts& after, bool power_lost) {
  SCOPED_TRACE(absl::StrCat("killed after ", k, power_lost ? ", power lost" : ""));
  AgentWorld world;
  world.SendTexts(kWeb, before);
  int left = k;
  world.target.set_fault([&](MemoryTarget::Call call, const ObjectKey&) {
    const bool writes = call == MemoryTarget::Call::kApply || call == MemoryTarget::Call::kDelete;
    if (writes && left-- <= 0) world.crashed = true;
    return world.crashed ? absl::UnavailableError("killed") : absl::OkStatus();
  });
  world.SendTexts(kWeb, after);
  world.target.set_fault(nullptr);
  world.Restart(power_lost);
  ExpectConverged(world, after);
}

TEST(AgentFaults, F53KilledAfterAnyNumberOfAppliesOrPrunes) {
  const Texts before = Numbered(0, 10, "1");
  Texts after = Numbered(4, 10, "2");
  after.merge(Numbered(20, 26, "1"));
  for (int k = 0; k <= 16; ++k) {
    KillAfter(k, before, after, false);
    KillAfter(k, before, after, true);
    KillAfter(k, {}, after, false);
    KillAfter(k, {}, after, true);
  }
}

TEST(AgentFaults, F53KilledBeforeAnyEffectOfAChange) {
  const Texts before = Numbered(0, 10, "1");
  const Texts after = Numbered(3, 14, "2");
  for (const bool power_lost : {false, true}) {
    for (int k = 0; k < 20; ++k) {
      SCOPED_TRACE(k);
      AgentWorld world;
      world.SendTexts(kWeb, before);
      int left = k;
      world.crash_before = [&](const AgentEffect&) { return left-- <= 0; };
      const Desired desired = world.Message({world.Target(kWeb, after)});
      world.Receive(desired);
      const bool acknowledged = world.ack().received_through == desired.seq;
      world.crash_before = nullptr;
      world.Restart(power_lost);
      const bool held = world.state.durable.agent.desired_seq == desired.seq;
      EXPECT_TRUE(held || !acknowledged);  // Nothing acknowledged is lost.
      ExpectConverged(world, held ? after : before);
    }
  }
}

TEST(AgentFaults, F53AnObjectThatOthersPutInPlaceWhileTheAgentWasDeadIsNotDeleted) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10, "1"));
  world.SendTexts(kWeb, Numbered(1, 10, "1"));
  // The delete has happened and is durable; another program uses the name.
  world.target.WriteForeign(TextKey("n100"), *ReadJson(TextBlob("n100", "theirs"), "test"));
  world.Restart(true);
  EXPECT_EQ(world.There().at("n100"), "theirs");
}

TEST(AgentFaults, F05WorkThatWasInterruptedLooksAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(0, 3, "2"));
  ASSERT_THAT(world.runs, SizeIs(1));
  ReconcileOutcome interrupted;
  interrupted.run = world.runs.front().run;
  interrupted.application = kWeb;
  interrupted.interrupted = true;
  world.runs.clear();
  world.Post(agent_event::ReconcileDone{interrupted});
  ASSERT_THAT(world.runs, SizeIs(1));
  world.RunNext();
  ExpectConverged(world, Numbered(0, 3, "2"));
}

TEST(AgentFaults, F05DeletesThatWereInterruptedAndFailedAreTriedAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 30, "1"));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(0, 29, "1"));
  ASSERT_THAT(world.runs, SizeIs(1));
  ReconcileOutcome interrupted;
  interrupted.run = world.runs.front().run;
  interrupted.application = kWeb;
  interrupted.interrupted = true;
  interrupted.problems.push_back({TextKey("n129"), absl::UnavailableError("no answer")});
  world.runs.clear();
  world.Post(agent_event::ReconcileDone{interrupted});
  ASSERT_THAT(world.runs, SizeIs(1));
  world.RunNext();
  ExpectConverged(world, Numbered(0, 29, "1"));
}

TEST(AgentFaults, F05ACancellationNoticesThatTheProgramStoodStill) {
  ManualClock clock(absl::UnixEpoch());
  const Cancellation cancel(&clock);
  clock.Advance(absl::Seconds(59));
  EXPECT_FALSE(cancel.cancelled());
  clock.Advance(absl::Seconds(59));
  EXPECT_FALSE(cancel.cancelled());
  clock.Advance(absl::Minutes(10));
  EXPECT_TRUE(cancel.cancelled());
  EXPECT_TRUE(cancel.cancelled());
}

TEST(AgentFaults, F25ABlobThatRottedOnDiskIsFetchedAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  world.storage.damaged.insert(Digest::Of(TextBlob("n101", "1")));
  world.target.DeleteForeign(TextKey("n101"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("n101")}});
  EXPECT_THAT(world.fetches, SizeIs(1));
  ExpectConverged(world, Numbered(0, 3, "1"));
}

TEST(AgentFaults, F08AFullDiskUnderTheInventoryIsSaidAndHealed) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(0, 4, "1"));
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.RunNext();
  world.storage.failure = absl::OkStatus();
  world.hold_runs = false;
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  ExpectConverged(world, Numbered(0, 4, "1"));
}

TEST(AgentFaults, F08ADeleteIsNotRepeatedWhereOnlyItsRecordFailed) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10, "1"));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(1, 10, "1"));
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.RunNext();
  ASSERT_EQ(world.target.deletes(), 1);
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  ASSERT_THAT(world.runs, SizeIs(1));
  EXPECT_THAT(world.runs.front().deletes, IsEmpty());  // Others may use its name by now.
  world.RunNext();
  world.storage.failure = absl::OkStatus();
  world.hold_runs = false;
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  ExpectConverged(world, Numbered(1, 10, "1"));
}

TEST(AgentFaults, F08ADeleteWhoseRecordFailedIsDoneAnewWhereTheObjectCameBackAndWentAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10, "1"));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(1, 10, "1"));
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.RunNext();
  world.storage.failure = absl::OkStatus();
  world.hold_runs = false;
  world.SendTexts(kWeb, Numbered(0, 10, "1"));
  ExpectConverged(world, Numbered(0, 10, "1"));
  world.SendTexts(kWeb, Numbered(1, 10, "1"));
  ExpectConverged(world, Numbered(1, 10, "1"));
}

TEST(AgentFaults, F08WhatWasDeletedAlreadyHoldsNothingUp) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 20, "1"));
  world.SendTexts(kWeb, Numbered(8, 20, "1"));
  world.hold_runs = true;
  ApplicationTarget target = world.Target(kWeb, Numbered(8, 20, "1"));
  target.approved = KeyListDigest(world.report(kWeb).held);
  world.SendTargets({target});
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.RunNext();
  ASSERT_EQ(world.target.deletes(), 8);
  world.storage.failure = absl::OkStatus();
  world.SendTexts(kWeb, Numbered(9, 20, "1"));  // 9 of 20, of which 8 are gone.
  EXPECT_THAT(world.report(kWeb).held, SizeIs(9));
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  while (!world.runs.empty()) world.RunNext();
  EXPECT_THAT(world.report(kWeb).held, IsEmpty());
  ExpectConverged(world, Numbered(9, 20, "1"));
}

TEST(AgentFaults, F25ARottenBlobThatNothingNamesAnyMoreHoldsNothingUp) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  const Digest rotten = Digest::Of(TextBlob("n101", "1"));
  world.storage.damaged.insert(rotten);
  world.answer_fetches = false;  // The hub has it no more.
  world.target.DeleteForeign(TextKey("n101"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("n101")}});
  ASSERT_THAT(world.fetches, SizeIs(1));
  world.inline_blobs = false;
  world.SendTexts(kWeb, Numbered(0, 3, "2"));
  ASSERT_THAT(world.fetches, SizeIs(2));
  EXPECT_THAT(world.fetches.back().digests, SizeIs(3));
  EXPECT_THAT(world.fetches.back().digests, testing::Not(testing::Contains(rotten)));
  world.Deliver(world.fetches.back());
  ExpectConverged(world, Numbered(0, 3, "2"));
  EXPECT_THAT(world.fetches, SizeIs(2)) << "nothing names the rotten one any more";
}

TEST(AgentFaults, F25ARottenBlobIsFetchedApartFromWhatANewTargetNeeds) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  const Digest rotten = Digest::Of(TextBlob("n101", "1"));
  world.storage.damaged.insert(rotten);
  world.answer_fetches = false;
  world.target.DeleteForeign(TextKey("n101"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("n101")}});
  world.inline_blobs = false;
  Texts next = Numbered(0, 3, "1");
  next["new"] = "1";
  world.SendTexts(kWeb, next);
  EXPECT_THAT(world.fetches.back().digests, testing::ElementsAre(Digest::Of(TextBlob("new", "1"))));
  world.Deliver(world.fetches.back());
  EXPECT_THAT(world.fetches.back().digests, testing::ElementsAre(rotten));
  world.Deliver(world.fetches.back());
  ExpectConverged(world, next);
}

TEST(AgentFaults, F27WhatAFetchBroughtBeforeTheLinkBrokeIsKept) {
  AgentWorld world;
  world.inline_blobs = false;
  world.answer_fetches = false;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  const std::vector<Digest> digests = world.fetches.back().digests;
  world.Disconnect();
  EXPECT_EQ(BlobsToKeep(world.state), std::set<Digest>(digests.begin(), digests.end()));
  world.Connect();
  world.answer_fetches = true;
  world.SendTexts(kWeb, Numbered(0, 3, "1"));
  EXPECT_THAT(BlobsToKeep(world.state), IsEmpty());
}

// The agent's memory is as it was; what it kept right is another place.
void Rebuild(AgentWorld& world, const Texts& texts) {
  for (const auto& [name, text] : texts) world.target.DeleteForeign(TextKey(name));
  world.target_uid = std::string(16, 'v');
}

TEST(AgentFaults, F56NothingIsWrittenToARebuiltTargetBeforeAPersonAcceptsIt) {
  AgentWorld world;
  const Texts texts = Numbered(0, 3, "1");
  world.SendTexts(kWeb, texts);
  Rebuild(world, texts);
  world.connect = false;
  world.Restart();
  EXPECT_THAT(world.There(), IsEmpty()) << "without a hub";
  for (const Verdict verdict : {Verdict::kNotAccepted, Verdict::kHubBehind}) {
    world.verdict = verdict;
    world.Connect();
    world.Fire({TimerId::Kind::kReconcile, kWeb});
    world.Receive(Command{1, Command::Sync{}});
    EXPECT_THAT(world.There(), IsEmpty());
    EXPECT_EQ(world.report(kWeb).state, ApplicationState::kStalled);
    EXPECT_EQ(world.report(kWeb).reason, "TargetChanged");
    EXPECT_THAT(world.report(kWeb).message, testing::HasSubstr("cluster accept"));
    world.Disconnect();
  }
  world.verdict = Verdict::kNoop;
  world.Connect();
  ExpectConverged(world, texts);
  world.connect = true;
  world.target.DeleteForeign(TextKey("n101"));
  world.Restart();
  ExpectConverged(world, texts);
}

TEST(AgentFaults, F56AnAcceptanceThatCannotBeKeptIsNoneUntilItIs) {
  AgentWorld world;
  const Texts texts = Numbered(0, 3, "1");
  world.SendTexts(kWeb, texts);
  Rebuild(world, texts);
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.Restart();
  EXPECT_THAT(world.There(), IsEmpty());
  world.storage.failure = absl::OkStatus();
  world.Fire({TimerId::Kind::kBeat, ""});
  ExpectConverged(world, texts);
}

TEST(AgentFaults, F56WhatLiesInARebuiltTargetIsNotOursAndNotDeleted) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10, "1"));
  world.target.set_fault([](MemoryTarget::Call call, const ObjectKey&) {
    return call == MemoryTarget::Call::kDelete ? absl::UnavailableError("busy") : absl::OkStatus();
  });
  world.SendTexts(kWeb, Numbered(1, 10, "1"));  // A delete that waits.
  world.target.set_fault(nullptr);
  Rebuild(world, Numbered(0, 10, "1"));
  for (const char* const name : {"n100", "n101"}) {
    world.target.WriteForeign(TextKey(name), *ReadJson(TextBlob(name, "theirs"), "test"));
  }
  world.Restart();
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_EQ(world.report(kWeb).reason, "ForeignObject");
  EXPECT_THAT(world.There(), testing::UnorderedElementsAre(testing::Pair("n100", "theirs"),
                                                           testing::Pair("n101", "theirs")));
}

}  // namespace
}  // namespace lockstep
