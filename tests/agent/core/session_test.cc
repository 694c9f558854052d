#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr char kWeb[] = "shop/web";

TEST(AgentSession, HelloSaysWhatIsHeld) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Restart();
  const Hello& hello = world.hellos.back();
  EXPECT_EQ(hello.start_counter, 2);
  EXPECT_EQ(hello.seen, world.at);
  EXPECT_EQ(hello.desired_seq, 1);
  EXPECT_EQ(hello.epoch, 1);
  EXPECT_EQ(hello.hub_incarnation, world.incarnation);
  EXPECT_EQ(hello.cluster_root, RootOf(world.state.durable));
  EXPECT_FALSE(hello.cluster_root.IsZero());
}

TEST(AgentSession, NothingIsTakenBeforeWelcome) {
  AgentWorld world;
  world.Disconnect();
  world.Post(agent_event::LinkUp{});
  world.SendTexts(kWeb, {{"a", "1"}});
  EXPECT_THAT(world.There(), IsEmpty());
  EXPECT_THAT(world.acks, IsEmpty());
}

TEST(AgentSession, AProbeIsAnsweredWithWhatIsHeld) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  Welcome welcome;
  welcome.hub_incarnation = world.incarnation;
  welcome.epoch = 1;
  welcome.at = world.at;
  welcome.verdict = Verdict::kProbe;
  world.Disconnect();
  world.Post(agent_event::LinkUp{});
  world.Receive(welcome);
  ASSERT_THAT(world.pages, SizeIs(1));
  EXPECT_EQ(world.pages[0].applications.at(0).generation, 1);
}

TEST(AgentSession, AHubThatIsBehindIsNotFollowed) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  const CommitPoint newest = world.at;
  world.Disconnect();
  world.at = {newest.counter - 1, Digest::Of("chain")};
  world.Connect();
  EXPECT_TRUE(world.state.hub_behind);
  EXPECT_EQ(world.state.durable.agent.seen, newest);
  --world.at.counter;
  world.SendTexts(kWeb, {{"a", "3"}});
  EXPECT_EQ(world.ack().refused.at(0).code, ApplicationAck::Code::kStale);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
  // Adopted by a person, it goes on above what the agents hold.
  world.at = {newest.counter + 10, Digest::Of("adopted")};
  world.sent[kWeb] = TextManifest({{"a", "2"}});
  world.SendTexts(kWeb, {{"a", "4"}});
  EXPECT_FALSE(world.state.hub_behind);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "4")));
}

TEST(AgentSession, F31ADesiredThatComesLateDoesNotMakeTheHubOneThatIsBehind) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  const CommitPoint newest = world.at;
  world.at = {newest.counter - 2, Digest::Of("chain")};
  world.SendTexts(kWeb, {{"a", "3"}});
  EXPECT_EQ(world.ack().refused.at(0).code, ApplicationAck::Code::kStale);
  EXPECT_TRUE(world.ack().refused.at(0).retryable) << "its generation is not refused for good";
  EXPECT_FALSE(world.state.hub_behind);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
}

TEST(AgentSession, AnotherHistoryAtTheSameCounterIsBehind) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Disconnect();
  world.at.chain = Digest::Of("another history");
  world.Connect();
  EXPECT_TRUE(world.state.hub_behind);
}

TEST(AgentSession, NothingIsDeletedWhileTheHubIsBehind) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  world.hold_runs = true;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.runs.clear();  // Killed before the delete.
  world.connect = false;
  world.hold_runs = true;
  world.Restart();
  world.runs.clear();
  world.hold_runs = false;
  const CommitPoint newest = world.at;
  world.at = {newest.counter - 1, Digest::Of("old")};
  world.Restart();
  world.target.ResetCounters();
  EXPECT_FALSE(world.state.hub_behind);
  world.Connect();
  EXPECT_TRUE(world.state.hub_behind);
  world.at = newest;
  world.Connect();
  EXPECT_FALSE(world.state.hub_behind);
  EXPECT_THAT(world.There(), SizeIs(2));
}

TEST(AgentSession, F17NothingIsDeletedAfterARestartUntilTheHubHasCaughtUp) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  world.hold_runs = true;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.runs.clear();  // Killed before the delete.
  const CommitPoint newest = world.at;
  world.at = {newest.counter - 1, Digest::Of("old")};
  world.Restart();
  world.runs.clear();
  ASSERT_TRUE(world.state.hub_behind);
  world.hold_runs = false;
  world.connect = false;
  world.Restart(/*power_lost=*/true);
  EXPECT_THAT(world.There(), SizeIs(3));
  world.at = newest;
  world.Connect();
  EXPECT_THAT(world.There(), SizeIs(2));
  world.Restart(/*power_lost=*/true);
  EXPECT_FALSE(world.state.hub_behind);
}

TEST(AgentSession, RemovedFromTheFleetItReleasesEverythingForGood) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.target.ResetCounters();
  world.Receive(Goodbye{Goodbye::Reason::kRemoved, absl::ZeroDuration(), ""});
  EXPECT_FALSE(world.stopped.empty());
  EXPECT_THAT(world.watched, IsEmpty());
  world.target.DeleteForeign(TextKey("a"));
  world.stopped.clear();
  world.Restart(/*power_lost=*/true);
  EXPECT_FALSE(world.stopped.empty());
  EXPECT_EQ(world.target.writes() + world.target.deletes(), 0);
}

TEST(AgentIdentity, F17ANewTokenOfTheSameHubKeepsWhatTheHubTold) {
  AgentRecord record;
  EXPECT_TRUE(AdoptIdentity("token 1", Digest::Of("hub a"), &record));
  EXPECT_FALSE(AdoptIdentity("token 1", Digest::Of("hub a"), &record));
  record.seen = {7, Digest::Of("chain")};
  record.removed = true;
  EXPECT_FALSE(AdoptIdentity("token 1", Digest::Of("hub a"), &record));
  EXPECT_TRUE(record.removed);
  EXPECT_TRUE(AdoptIdentity("token 2", Digest::Of("hub a"), &record));
  EXPECT_FALSE(record.removed);
  EXPECT_TRUE(AdoptIdentity("token 2", Digest::Of("the next authority"), &record));
  EXPECT_EQ(record.seen.counter, 7);
}

TEST(AgentIdentity, WhatAnotherHubToldProvesNothingOfThisOne) {
  AgentRecord record;
  AdoptIdentity("token 1", Digest::Of("hub a"), &record);
  record.start_counter = 3;
  record.seen = {7, Digest::Of("chain")};
  record.epoch = 5;
  record.desired_seq = 9;
  record.revoked = {Digest::Of("key")};
  record.hub_incarnation = "a";
  record.hub_behind = true;
  record.removed = true;
  EXPECT_TRUE(AdoptIdentity("token 2", Digest::Of("hub b"), &record));
  EXPECT_EQ(record.seen, CommitPoint());
  EXPECT_EQ(record.epoch + record.desired_seq + record.revoked.size(), 0);
  EXPECT_TRUE(record.hub_incarnation.empty());
  EXPECT_FALSE(record.hub_behind || record.removed);
  EXPECT_EQ(record.start_counter, 3);
  EXPECT_EQ(record.joined_with, "token 2");
}

TEST(AgentSession, ARefusalProvesNothingAndWhatRunsGoesOn) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Disconnect();
  world.Post(agent_event::LinkUp{});
  world.Receive(Goodbye{Goodbye::Reason::kRemoved, absl::ZeroDuration(), ""});
  world.Receive(Goodbye{Goodbye::Reason::kRevoked, absl::ZeroDuration(), ""});
  EXPECT_TRUE(world.stopped.empty());
  world.target.DeleteForeign(TextKey("a"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_THAT(world.There(), SizeIs(1));
}

TEST(AgentSession, APersonCanReleaseEverythingOnTheMachine) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Post(agent_event::ReleaseAll{});
  EXPECT_FALSE(world.stopped.empty());
  EXPECT_THAT(world.There(), SizeIs(1));
  EXPECT_THAT(world.state.durable.applications, IsEmpty());
}

TEST(AgentSession, AReleaseThatCannotBeWrittenDownSaysSo) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.storage.failure = absl::ResourceExhaustedError("no space");
  world.Post(agent_event::ReleaseAll{});
  EXPECT_FALSE(world.stopped.empty());
  EXPECT_THAT(world.stop_kept, StatusIs(absl::StatusCode::kResourceExhausted, "no space"));
}

TEST(AgentSession, RevocationsAreKeptAndToldAgain) {
  AgentWorld world;
  Welcome welcome;
  welcome.hub_incarnation = world.incarnation;
  welcome.epoch = 1;
  welcome.at = world.at;
  welcome.revoked = {Digest::Of("stolen key")};
  world.Receive(welcome);
  world.Restart(/*power_lost=*/true);
  EXPECT_THAT(world.hellos.back().revoked, ElementsAre(Digest::Of("stolen key")));
}

TEST(AgentSession, A54ARevocationWithinASessionIsKeptAndTheNextFirstWelcomeSaysAll) {
  AgentWorld world;
  Welcome again;
  again.session = std::string(16, 's');
  again.hub_incarnation = world.incarnation;
  again.epoch = world.epoch;
  again.at = {world.at.counter + 1, Digest::Of("the revocation")};
  again.revoked = {Digest::Of("stolen key")};
  world.Receive(again);
  world.Restart(/*power_lost=*/true);
  EXPECT_THAT(world.hellos.back().revoked, ElementsAre(Digest::Of("stolen key")));
  EXPECT_EQ(world.hellos.back().seen, again.at) << "proves to an older hub that it lost something";

  world.Disconnect();
  world.Post(agent_event::LinkUp{});
  again.revoked = {Digest::Of("another")};  // The hub has forgotten the first: it has expired.
  world.Receive(again);
  world.Restart(/*power_lost=*/true);
  EXPECT_THAT(world.hellos.back().revoked, ElementsAre(Digest::Of("another")));
}

}  // namespace
}  // namespace lockstep
