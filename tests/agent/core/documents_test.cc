// Deltas that are fetched: docs/protocol.md "Large deltas".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

using Code = ApplicationAck::Code;

constexpr char kWeb[] = "shop/web";
constexpr char kApi[] = "shop/api";

// Holds a=1 and b=1; from then on deltas are fetched, and nothing is answered by itself.
struct Documents : AgentWorld {
  Documents() {
    SendTexts(kWeb, {{"a", "1"}, {"b", "1"}});
    by_document = true;
    answer_fetches = false;
    acks.clear();
  }

  // Answers the newest fetch: the documents it asks for, `bytes` in place of each where given.
  void Serve(const std::optional<std::string>& bytes = std::nullopt) {
    const agent_effect::Fetch fetch = fetches.back();
    agent_event::BlobsStored stored{fetch.fetch, {}};
    for (const DocumentReference& document : fetch.documents)
      stored.documents[document.digest] = bytes.value_or(hub_blobs[document.digest]);
    for (const Digest& digest : fetch.digests)
      ASSERT_OK(storage.AddBlob(digest, hub_blobs.at(digest)));
    Post(std::move(stored));
  }
  void Fail(const absl::Status& status) {
    Post(agent_event::FetchFailed{fetches.back().fetch, status});
  }
  // The hub takes back what was not acknowledged.
  void SentNothing() { sent[kWeb] = state.durable.applications.at(kWeb).target.manifest; }
};

TEST(Documents, OneIsAsGoodAsADeltaInTheMessage) {
  Documents world;
  world.SendTexts(kWeb, {{"a", "2"}, {"c", "1"}});
  EXPECT_THAT(world.acks, IsEmpty());
  ASSERT_THAT(world.fetches.back().documents, SizeIs(1));
  world.Serve();                                         // The document.
  EXPECT_THAT(world.fetches.back().digests, SizeIs(2));  // Its contents.
  EXPECT_THAT(world.acks, IsEmpty());
  world.Serve();
  EXPECT_THAT(world.ack().refused, IsEmpty());
  EXPECT_EQ(world.ack().received_through, 2);
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2"), Pair("c", "1")));
  EXPECT_THAT(world.state.documents, IsEmpty());
}

TEST(Documents, NothingIsDeletedThatTheDocumentDoesNotNameAsRemoved) {
  Documents world;
  ApplicationTarget target = world.Target(kWeb, {{"c", "1"}});
  // From nothing: it says all that the application is, and takes nothing away.
  const std::string bytes =
      EncodeDocument(ComputeDelta(*EmptyManifest(), *TextManifest({{"c", "1"}})), {});
  target.content = DocumentReference{Digest::Of(bytes), bytes.size(), Digest(),
                                     TextManifest({{"c", "1"}})->digest()};
  world.hub_blobs[Digest::Of(bytes)] = bytes;
  world.SendTargets({target});
  world.Serve();
  world.Serve();
  EXPECT_THAT(world.ack().refused, IsEmpty());
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("c", "1")));
}

TEST(Documents, TombstonesInItDeleteByName) {
  Documents world;
  // "x" is left behind without prune; a person names it.
  ApplicationOptions keep;
  keep.prune = false;
  world.by_document = false;
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}, {"x", "1"}}, keep);
  world.SendTexts(kWeb, {{"a", "1"}, {"b", "1"}}, keep);
  ASSERT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1"), Pair("x", "1")));
  ApplicationTarget target = world.Target(kWeb, {{"a", "1"}, {"b", "1"}}, keep);
  const ManifestPtr same = TextManifest({{"a", "1"}, {"b", "1"}});
  const std::string bytes = EncodeDocument(ComputeDelta(*same, *same), {TextKey("x")});
  target.content =
      DocumentReference{Digest::Of(bytes), bytes.size(), same->digest(), same->digest()};
  world.hub_blobs[Digest::Of(bytes)] = bytes;
  world.SendTargets({target});
  world.Serve();
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
}

TEST(Documents, F25AWrongOneIsRefusedAndWhatRanRunsOn) {
  Documents world;
  const auto expect_refused = [&](const std::string& bytes, Code code, const std::string& words) {
    SCOPED_TRACE(words);
    world.SendTexts(kWeb, {{"a", "2"}});
    world.Serve(bytes);
    ASSERT_THAT(world.ack().refused, SizeIs(1));
    EXPECT_EQ(world.ack().refused[0].code, code);
    EXPECT_THAT(world.ack().refused[0].message, HasSubstr(words));
    EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
    EXPECT_THAT(world.state.documents, IsEmpty());
    world.SentNothing();
  };
  expect_refused("", Code::kTransient, "damaged");
  expect_refused("other bytes", Code::kTransient, "damaged");

  // Bytes that are what their digest says, and not what they should be.
  const auto serve = [&](const std::string& bytes, const std::string& words) {
    SCOPED_TRACE(words);
    ApplicationTarget target = world.Target(kWeb, {{"a", "2"}});
    auto& reference = std::get<DocumentReference>(target.content);
    reference.digest = Digest::Of(bytes);
    reference.bytes = bytes.size();
    world.hub_blobs[reference.digest] = bytes;
    world.SendTargets({target});
    world.Serve();
    EXPECT_EQ(world.ack().refused.at(0).code, Code::kInvalid);
    EXPECT_FALSE(world.ack().refused.at(0).retryable);
    EXPECT_THAT(world.ack().refused.at(0).message, HasSubstr(words));
    EXPECT_THAT(world.There(), ElementsAre(Pair("a", "1"), Pair("b", "1")));
    world.SentNothing();
  };
  serve("no document", "not written as one");
  const std::string other =
      EncodeDocument(ComputeDelta(*EmptyManifest(), *TextManifest({{"a", "2"}})), {});
  serve(other, "from or to another manifest");
}

TEST(Documents, ABaseThatIsNotTheAgentsIsRefusedWithoutAFetch) {
  Documents world;
  world.sent[kWeb] = TextManifest({{"other", "1"}});
  const size_t fetches = world.fetches.size();
  world.SendTexts(kWeb, {{"a", "2"}});
  EXPECT_EQ(world.fetches.size(), fetches);
  ASSERT_THAT(world.acks, SizeIs(1));
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTransient);
  EXPECT_THAT(world.pages, SizeIs(1)) << "it says what it holds";
}

TEST(Documents, OneOverTheLimitIsRefusedWithoutAFetchNamingTheLimit) {
  Documents world;
  ApplicationTarget target = world.Target(kWeb, {{"a", "2"}});
  std::get<DocumentReference>(target.content).bytes = kDocumentBytesMax + 1;
  const size_t fetches = world.fetches.size();
  world.SendTargets({target});
  EXPECT_EQ(world.fetches.size(), fetches);
  ASSERT_THAT(world.acks, SizeIs(1));
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTooLarge);
  EXPECT_THAT(world.ack().refused.at(0).message, HasSubstr("67108864"));

  // Two that fit one by one and not together.
  world.SentNothing();
  ApplicationTarget web = world.Target(kWeb, {{"a", "2"}, {"b", "1"}});
  ApplicationTarget api = world.Target(kApi, {{"c", "1"}});
  std::get<DocumentReference>(web.content).bytes = kDocumentBytesMax - 10;
  std::get<DocumentReference>(api.content).bytes = 11;
  world.SendTargets({web, api});
  EXPECT_THAT(world.fetches.back().documents, SizeIs(1));
}

TEST(Documents, ANewerMessageSupersedesTheFetchAndOneThatNamesTheSameGoesOn) {
  Documents world;
  world.SendTexts(kWeb, {{"a", "2"}});
  const uint64_t first = world.fetches.back().fetch;
  // The same document, along with something else: the fetch under way serves it.
  world.by_document = false;
  world.SentNothing();
  world.by_document = true;
  ApplicationTarget web = world.Target(kWeb, {{"a", "2"}});
  world.by_document = world.inline_blobs = false;
  world.inline_blobs = true;
  ApplicationTarget api = world.Target(kApi, {{"z", "1"}});
  world.SendTargets({web, api});
  EXPECT_EQ(world.fetches.back().fetch, first);
  // Another document: what the first brings is of no use any more.
  world.SentNothing();
  world.by_document = true;
  world.SendTexts(kWeb, {{"a", "3"}});
  EXPECT_NE(world.fetches.back().fetch, first);
  world.Post(agent_event::BlobsStored{first, {}});
  EXPECT_THAT(world.acks, IsEmpty());
  world.Serve();
  world.Serve();
  EXPECT_THAT(world.ack().refused, IsEmpty());
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "3")));
}

TEST(Documents, F17WhatWasHeardWhileItIsFetchedIsNotForgotten) {
  Documents world;
  world.SendTexts(kWeb, {{"a", "2"}});
  Welcome again;
  again.session = std::string(16, 's');
  again.hub_incarnation = world.incarnation;
  again.epoch = world.epoch;
  again.at = {world.at.counter + 5, Digest::Of("the revocation")};
  again.revoked = {Digest::Of("stolen key")};
  world.Receive(again);
  world.Serve();
  world.Serve();
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
  EXPECT_EQ(world.state.durable.agent.seen, again.at);
}

TEST(Documents, OneThatTheHubNoLongerHasIsAskedForAnewAfterAPause) {
  Documents world;
  world.SendTexts(kWeb, {{"a", "2"}});
  world.Fail(absl::NotFoundError("not at hand"));
  EXPECT_EQ(world.ack().refused.at(0).code, Code::kTransient);
  EXPECT_THAT(world.pages, IsEmpty()) << "not at once: it might fail for ever";
  world.Fire({TimerId::Kind::kFetch, ""});
  EXPECT_THAT(world.pages, SizeIs(1));
  // A newer message came in the meantime: nothing has to be asked.
  world.SentNothing();
  world.SendTexts(kWeb, {{"a", "3"}});
  world.Fail(absl::NotFoundError("not at hand"));
  world.SentNothing();
  world.SendTexts(kWeb, {{"a", "3"}});
  world.Fire({TimerId::Kind::kFetch, ""});
  EXPECT_THAT(world.pages, SizeIs(1));
}

TEST(Documents, F25AnAgentKilledAnywhereHoldsTheOldOrTheNew) {
  for (int kill = 0;; ++kill) {
    SCOPED_TRACE(kill);
    Documents world;
    int effects = 0;
    world.crash_before = [&](const AgentEffect&) { return effects++ == kill; };
    world.SendTexts(kWeb, {{"a", "2"}});
    if (!world.crashed) world.Serve();
    if (!world.crashed) world.Serve();
    const bool finished = !world.crashed;
    world.crash_before = nullptr;
    world.Restart(/*power_lost=*/true);
    const ManifestPtr held = world.state.durable.applications.at(kWeb).target.manifest;
    const bool fresh = held->digest() == TextManifest({{"a", "2"}})->digest();
    EXPECT_TRUE(fresh || held->digest() == TextManifest({{"a", "1"}, {"b", "1"}})->digest());
    EXPECT_TRUE(fresh || world.acks.empty() || !world.acks.back().refused.empty())
        << "acknowledged and lost";
    // The hub sends it again.
    world.SentNothing();
    world.answer_fetches = true;
    world.SendTexts(kWeb, {{"a", "3"}});
    EXPECT_THAT(world.There(), ElementsAre(Pair("a", "3")));
    if (finished) break;
  }
}

TEST(Documents, ALostLinkForgetsTheFetch) {
  Documents world;
  world.SendTexts(kWeb, {{"a", "2"}});
  world.Disconnect();
  world.Serve();
  EXPECT_THAT(world.acks, IsEmpty());
  world.SentNothing();
  world.Connect();
  world.answer_fetches = true;
  world.SendTexts(kWeb, {{"a", "2"}});
  EXPECT_THAT(world.There(), ElementsAre(Pair("a", "2")));
}

}  // namespace
}  // namespace lockstep
