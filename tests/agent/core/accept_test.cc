#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using Code = ApplicationAck::Code;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr char kWeb[] = "shop/web";
constexpr char kApi[] = "shop/api";

TEST(Accept, WritesWhatTheManifestNamesAndAcknowledgesOnceDurable) {
  AgentWorld world;
  const int syncs = world.storage.syncs;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "2"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "2")));
  EXPECT_EQ(world.acks.front().received_through, 1);
  EXPECT_THAT(world.acks.front().refused, IsEmpty());
  EXPECT_EQ(world.acks.front().cluster_root, RootOf(world.state.durable));
  EXPECT_EQ(world.storage.syncs, syncs + 2);  // Accepted; what is ours.
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Accept, AChangedObjectIsTheOnlyOneThatIsLookedAtAndWritten) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  world.target.ResetCounters();
  const int syncs = world.storage.syncs;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "changed"}, {"c", "3"}});
  EXPECT_EQ(world.target.writes(), 1);
  EXPECT_EQ(world.target.writes(TextKey("b")), 1);
  EXPECT_EQ(world.target.observed(), 1);
  EXPECT_EQ(world.storage.syncs, syncs + 1);
}

TEST(Accept, F31TheSameMessageAgainIsAcknowledgedAndDoesNothing) {
  AgentWorld world;
  const Desired desired = world.Message({world.Target(kWeb, {{"a", "1"}})});
  world.Receive(desired);
  world.target.ResetCounters();
  const int syncs = world.storage.syncs;
  world.Receive(desired);
  EXPECT_EQ(world.acks.size(), 2);
  EXPECT_EQ(world.ack().received_through, desired.seq);
  EXPECT_THAT(world.ack().refused, IsEmpty());
  EXPECT_EQ(world.storage.syncs, syncs);
  EXPECT_EQ(world.target.observed(), 0);
}

TEST(Accept, F31AnOvertakenMessageChangesNothing) {
  AgentWorld world;
  const Desired first = world.Message({world.Target(kWeb, {{"a", "1"}})});
  world.sent.erase(kWeb);
  const Desired second = world.Message({world.Target(kWeb, {{"a", "2"}})});
  world.Receive(second);
  world.Receive(first);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
  EXPECT_EQ(world.ack().received_through, second.seq);
}

TEST(Accept, AnOlderGenerationIsStale) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  world.generations[kWeb] = 0;
  world.SendTexts(kWeb, {{"a", "3"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_EQ(world.ack().refused[0].code, Code::kStale);
  EXPECT_FALSE(world.ack().refused[0].retryable);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
}

TEST(Accept, TheSameGenerationWithAnotherContentIsStale) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.generations[kWeb] = 0;
  world.SendTexts(kWeb, {{"a", "2"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_EQ(world.ack().refused[0].code, Code::kStale);
}

TEST(Accept, AnOlderEpochIsRefused) {
  AgentWorld world;
  world.epoch = 5;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.epoch = 4;
  world.SendTexts(kWeb, {{"a", "2"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_EQ(world.ack().refused[0].code, Code::kStale);
  EXPECT_THAT(world.ack().refused[0].message, HasSubstr("epoch"));
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
}

TEST(Accept, ADeltaFromAnotherBaseIsRefusedAndTheHubToldWhatIsHeld) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.sent[kWeb] = TextManifest({{"other", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_TRUE(world.ack().refused[0].retryable);
  ASSERT_EQ(world.pages.size(), 1);
  EXPECT_EQ(world.pages[0].applications[0].manifest, TextManifest({{"a", "1"}})->digest());
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
}

TEST(Accept, F25ADamagedBlobOrDeltaIsRefusedWhole) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  ApplicationTarget target = world.Target(kWeb, {{"a", "2"}, {"b", "2"}});
  DeltaMessage message = *std::get<0>(target.content);
  message.data.begin()->second.back() ^= 1;
  target.content = std::make_shared<const DeltaMessage>(message);
  world.SendTargets({target});
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTransient);

  world.sent[kWeb] = TextManifest({{"a", "1"}});
  target = world.Target(kWeb, {{"a", "2"}, {"b", "2"}});
  message = *std::get<0>(target.content);
  message.delta.changes[0].blob = Digest::Of("something else");
  target.content = std::make_shared<const DeltaMessage>(message);
  world.SendTargets({target});
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTransient);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
}

TEST(Accept, MissingBlobsAreFetchedBeforeAnythingIsAcknowledgedOrWritten) {
  AgentWorld world;
  world.inline_blobs = false;
  world.answer_fetches = false;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "2"}});
  ASSERT_EQ(world.fetches.size(), 1);
  EXPECT_EQ(world.fetches[0].digests.size(), 2);
  EXPECT_THAT(world.acks, IsEmpty());
  EXPECT_THAT(world.There(), IsEmpty());
  for (const Digest& digest : world.fetches[0].digests) {
    ASSERT_OK(world.storage.AddBlob(digest, world.hub_blobs.at(digest)));
  }
  world.Post(agent_event::BlobsStored{world.fetches[0].fetch});
  EXPECT_EQ(world.ack().received_through, 1);
  EXPECT_EQ(world.There().size(), 2);
}

TEST(Accept, ANewerDesiredSupersedesTheOneThatIsBeingFetched) {
  AgentWorld world;
  world.inline_blobs = false;
  world.answer_fetches = false;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.sent.erase(kWeb);
  world.answer_fetches = true;
  world.SendTexts(kWeb, {{"a", "2"}});
  world.Post(agent_event::BlobsStored{world.fetches[0].fetch});
  EXPECT_EQ(world.acks.size(), 1);
  EXPECT_EQ(world.ack().received_through, 2);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
}

TEST(Accept, F25AFetchThatBreaksIsTriedAgain) {
  AgentWorld world;
  world.inline_blobs = false;
  world.answer_fetches = false;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.Post(agent_event::FetchFailed{world.fetches[0].fetch, absl::UnavailableError("cut")});
  EXPECT_THAT(world.acks, IsEmpty());
  world.answer_fetches = true;
  world.Fire({TimerId::Kind::kFetch, ""});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
}

TEST(Accept, F08NoSpaceIsRefusedAndWhatRanRunsOn) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  const Digest root = RootOf(world.state.durable);
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.SendTexts(kWeb, {{"a", "2"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_EQ(world.ack().refused[0].code, Code::kNoSpace);
  EXPECT_EQ(world.ack().received_through, 1);
  EXPECT_EQ(world.ack().cluster_root, root);
  world.target.WriteForeign(TextKey("a"), *ReadJson(TextBlob("a", "theirs"), "test"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("a")}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));

  world.storage.failure = absl::OkStatus();
  world.sent[kWeb] = TextManifest({{"a", "1"}});
  world.SendTexts(kWeb, {{"a", "2"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
}

TEST(Accept, F08AFetchWithoutSpaceIsRefused) {
  AgentWorld world;
  world.inline_blobs = false;
  world.storage.failure = absl::ResourceExhaustedError("disk full");
  world.SendTexts(kWeb, {{"a", "1"}});
  ASSERT_EQ(world.acks.size(), 1);
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kNoSpace);
}

TEST(Accept, UnknownOptionsAreAskedFor) {
  AgentWorld world;
  ApplicationTarget target = world.Target(kWeb, {{"a", "1"}});
  target.options.reset();
  world.SendTargets({target});
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTransient);
}

TEST(Accept, OptionsThatAreKnownNeedNotBeSent) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  ApplicationTarget target = world.Target(kWeb, {{"a", "2"}});
  target.options.reset();
  world.SendTargets({target});
  EXPECT_THAT(world.ack().refused, IsEmpty());
}

TEST(Accept, AnObjectOfAnotherApplicationIsRefused) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}});
  world.SendTexts(kApi, {{"a", "2"}, {"b", "2"}});
  ASSERT_EQ(world.ack().refused.size(), 1);
  EXPECT_EQ(world.ack().refused[0].code, Code::kInvalid);
  EXPECT_TRUE(world.ack().refused[0].retryable) << "the other may let go of it";
  EXPECT_THAT(world.ack().refused[0].message, HasSubstr(kWeb));
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1")));
}

TEST(Accept, ARefusedApplicationLeavesTheOthersOfTheMessageButTheirDeletes) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  ApplicationTarget broken = world.Target(kApi, {{"a", "1"}});
  broken.options = "{";
  world.SendTargets({world.Target(kWeb, {{"b", "1"}, {"c", "1"}}), broken,
                     world.Target("shop/new", {{"n", "1"}})});
  EXPECT_EQ(world.ack().refused.size(), 2);
  EXPECT_THAT(world.There(),
              ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("c", "1"), Pair("n", "1")));
  EXPECT_EQ(world.state.durable.applications.at(kWeb).target.generation, 1);
}

TEST(Accept, ARefusedApplicationKeepsWhatWaitsToBeDeletedElsewhereWaiting) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
  world.SendTexts(kWeb, {});
  ASSERT_EQ(world.report(kWeb).held.size(), 2);
  ApplicationTarget web = world.Target(kWeb, {});
  web.approved = KeyListDigest({TextKey("a"), TextKey("b")});
  ApplicationTarget api = world.Target(kApi, {{"a", "2"}});
  api.options.reset();  // Refused: they are not known here.
  world.SendTargets({web, api});
  EXPECT_EQ(world.ack().refused.size(), 2);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST(Accept, TakesNothingOverFromOneWhoseRemovalWasRefused) {
  AgentWorld world;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "2"}});
  world.SendTexts("shop/other", {{"z", "1"}});
  ApplicationTarget bad = world.Target("shop/other", {{"z", "2"}});
  bad.generation = 1;
  world.SendTargets({world.Target(kWeb, {{"a", "1"}}), world.Target(kApi, {{"b", "3"}}), bad});
  EXPECT_THAT(world.state.durable.applications, testing::SizeIs(2));
  for (const ApplicationAck& refused : world.ack().refused) {
    EXPECT_EQ(refused.retryable, refused.name != "shop/other") << refused.name;
  }
  EXPECT_THAT(world.ack().refused, testing::SizeIs(3));
  EXPECT_EQ(world.There().at("b"), "2");
}

}  // namespace
}  // namespace lockstep
