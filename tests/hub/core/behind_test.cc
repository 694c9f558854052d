// A hub that lost state, and a disk that is full.
#include <algorithm>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/core/queries.h"
#include "hub/record/key.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

bool AsksForAll(const std::vector<HubMessage>& said) {
  return std::any_of(said.begin(), said.end(), [](const HubMessage& message) {
    const auto* command = std::get_if<Command>(&message);
    return command != nullptr && std::holds_alternative<Command::Report>(command->action);
  });
}

struct One : Fleet {
  One() {
    AddCluster("eu-1");
    AddCluster("us-1");
    AddRepository();
    Apply(MakeApplication("web"));
    content["web"]["eu-1"] = content["web"]["us-1"] = Folder{{"a", "1"}};
    Connect("eu-1");
    Connect("us-1");
    Commit();
    Settle();
  }
  void Change(const std::string& value) {
    content["web"]["eu-1"] = content["web"]["us-1"] = Folder{{"a", value}, {"b", value}};
    Commit();
    Settle();
  }
};

TEST(Behind, A54ARevocationThatTheHubLostHoldsAsSoonAsAnAgentTellsIt) {
  One fleet;
  const auto backup = fleet.records;
  const CommitPoint backup_at = fleet.at;
  fleet.Change("2");
  fleet.records = backup;
  fleet.at = backup_at;
  fleet.Restart();
  fleet.Agent("eu-1").seen = backup_at;  // A copy of its disk from before.
  fleet.Connect("eu-1");
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());

  fleet.Agent("us-1").revoked = {Digest::Of("key of eu-1")};
  fleet.Connect("us-1");
  EXPECT_FALSE(fleet.state.clusters.at("eu-1").session.has_value());
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kRevoked);
  const auto refused = StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("revoked"));
  EXPECT_THAT(CheckIdentity(fleet.state, "eu-1", Digest::Of("key of eu-1")), refused);

  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  fleet.Restart();
  EXPECT_THAT(CheckIdentity(fleet.state, "eu-1", Digest::Of("key of eu-1")), refused);
}

TEST(Behind, F17ARestoredBackupPushesAndDeletesNothingUntilApproved) {
  One fleet;
  const auto backup = fleet.records;
  const CommitPoint backup_at = fleet.at;
  fleet.Change("2");
  fleet.Change("3");
  const uint64_t generation = fleet.Agent("eu-1").applications.at("shop/web").generation;
  const size_t taken = fleet.Agent("eu-1").targets_taken;

  fleet.records = backup;
  fleet.at = backup_at;
  fleet.Restart();
  EXPECT_EQ(std::get<Welcome>(fleet.Connect("eu-1").at(0)).verdict, Verdict::kHubBehind);
  fleet.Connect("us-1");
  fleet.Settle();
  EXPECT_TRUE(fleet.state.behind.agents.contains("eu-1"));
  EXPECT_THAT(fleet.EventReasons(), Contains("HubBehind"));
  fleet.Change("4");
  EXPECT_EQ(fleet.Agent("eu-1").targets_taken, taken) << "nothing is pushed";

  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  EXPECT_GT(fleet.at.counter, fleet.Agent("eu-1").seen.counter)
      << "the hub goes on above what agents heard";
  EXPECT_NE(std::get<Welcome>(fleet.Connect("eu-1").at(0)).verdict, Verdict::kHubBehind);
  fleet.Connect("us-1");
  fleet.Settle();
  fleet.Commit();
  fleet.Settle();
  const FakeAgent::Application& web = fleet.Agent("eu-1").applications.at("shop/web");
  EXPECT_EQ(web.manifest->digest(), MakeManifest({{"a", "4"}, {"b", "4"}})->digest());
  EXPECT_GT(web.generation, generation);
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Behind, F17A54ARestoredBackupDoesNotBringARevokedKeyBack) {
  One fleet;
  const auto backup = fleet.records;
  const CommitPoint backup_at = fleet.at;
  const Digest stolen = Digest::Of("key of us-1");
  ASSERT_OK(fleet.Do(command::RemoveCluster{"us-1"}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").revoked, ElementsAre(stolen))
      << "an agent that stayed connected was told";

  fleet.records = backup;
  fleet.at = backup_at;
  fleet.Restart();
  fleet.Connect("us-1");
  ASSERT_TRUE(fleet.state.clusters.at("us-1").session.has_value())
      << "nobody who knows was there yet";
  fleet.closed.clear();
  fleet.Connect("eu-1");
  ASSERT_TRUE(fleet.closed.contains("us-1"));
  EXPECT_EQ(fleet.closed.at("us-1")->reason, Goodbye::Reason::kRevoked);
  EXPECT_FALSE(fleet.state.clusters.at("us-1").session.has_value());
  EXPECT_THAT(fleet.kept_out, ElementsAre(stolen));
  EXPECT_THAT(CheckIdentity(fleet.state, "us-1", stolen),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("revoked")));

  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  EXPECT_THAT(fleet.kept_out, ElementsAre(stolen));
  fleet.Restart();
  fleet.closed.clear();
  fleet.Connect("us-1");
  EXPECT_EQ(fleet.closed.at("us-1")->reason, Goodbye::Reason::kRevoked) << "it is kept";
}

// A hub restored from before `Change`, approved.
struct Restored : One {
  Restored() {
    const auto backup = records;
    const CommitPoint backup_at = at;
    Change("2");
    records = backup;
    at = backup_at;
    Restart();
    Join();
    EXPECT_OK(Do(command::ApproveHub{}).status());
    Join();
  }
  void Join() {
    Connect("eu-1");
    Connect("us-1");
    Settle();
    for (const char* cluster : {"eu-1", "us-1"}) Say(cluster, Agent(cluster).SayAll());
  }
  InstanceView View() {
    return ViewInstance(state, *state.FindApplication("shop/web"), "eu-1", Find("web", "eu-1"));
  }
  Digest Held() { return Agent("eu-1").applications.at("shop/web").manifest->digest(); }
  const Digest newest = MakeManifest({{"a", "2"}, {"b", "2"}})->digest();
};

TEST(Behind, F17AnApprovedHubSendsNothingOlderBeforeItAskedGit) {
  Restored fleet;
  EXPECT_EQ(fleet.Held(), fleet.newest);
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  EXPECT_THAT(fleet.View().message, HasSubstr("until GitRepository default/fleet"));

  while (!fleet.fetches.empty()) {
    const effect::StartFetch fetch = std::exchange(fleet.fetches, {}).front();
    fleet.Step(event::FetchDone{fetch.repository,
                                absl::UnavailableError("the remote does not answer"), fetch.job});
  }
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), fleet.newest);
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  EXPECT_THAT(fleet.View().message, HasSubstr("the remote does not answer"));

  fleet.Restart();
  fleet.Join();
  EXPECT_EQ(fleet.Held(), fleet.newest) << "over a restart too";

  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), fleet.newest);
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
  EXPECT_EQ(fleet.View().message, "");
}

TEST(Behind, F17AnAgentThatHoldsWhatTheHubCannotNameIsNotCutOff) {
  Restored fleet;
  const SessionId session = fleet.state.clusters.at("eu-1").session->id;
  for (int i = 0; i < 9; ++i) {
    fleet.Say("eu-1", Beat{std::string(fleet.Agent("eu-1").Root().bytes().substr(0, 8))});
    fleet.Tick(absl::Seconds(10));
  }
  ASSERT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());
  EXPECT_EQ(fleet.state.clusters.at("eu-1").session->id, session);
  EXPECT_EQ(fleet.Held(), fleet.newest);
}

TEST(Behind, F17WhatAnAgentWasForgivenIsForgottenOnceItFollows) {
  Restored fleet;
  EXPECT_THAT(fleet.state.behind.forgiven, SizeIs(2));
  fleet.Commit();
  fleet.Settle();
  fleet.Disconnect("eu-1");
  fleet.Join();
  EXPECT_THAT(fleet.state.behind.forgiven, IsEmpty());
  fleet.Restart();
  EXPECT_THAT(fleet.state.behind.forgiven, IsEmpty());
}

TEST(Behind, F17WhatAgentsWereForgivenIsNotWrittenWithEveryEvent) {
  One fleet;
  for (int i = 0; i < 1'000; ++i)
    fleet.state.behind.forgiven[absl::StrCat("c-", i)] = {7, Digest()};
  ASSERT_OK(fleet.Do(command::Suspend{{ResourceKind::kCluster, "", "eu-1"}, ""}).status());
  EXPECT_LT(fleet.records.at({Family::kMeta, MetaKey("hub")}).size(), 200);
}

TEST(Behind, F17WhatPeopleChangeMeanwhileDoesNotLetOlderContentGo) {
  Restored fleet;
  Application web = fleet.MakeApplication("web");
  web.spec.interval = absl::Minutes(3);
  fleet.Apply(web);
  ASSERT_OK(fleet.Do(command::AcceptCluster{"eu-1", "shop/web"}).status());
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), fleet.newest);
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Find("web", "eu-1")->received.generation,
            fleet.Find("web", "eu-1")->assignment.generation);
}

TEST(Behind, F17WhatGitStillBreaksKeepsTheNewer) {
  Restored fleet;
  fleet.content["web"]["eu-1"] = absl::InvalidArgumentError("broken");
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), fleet.newest);
  EXPECT_EQ(fleet.View().message, "broken");
}

TEST(Behind, F17ARenderingOfWhatWasKnownDoesNotCount) {
  One fleet;
  fleet.Agent("eu-1").seen.counter += 10;
  fleet.Connect("eu-1");
  Application web = fleet.MakeApplication("web");
  web.spec.path = *PathTemplate::Parse("elsewhere");
  command::Apply apply;
  apply.resources.push_back({web, std::nullopt, "test.yaml:1", {}});
  ASSERT_OK(fleet.Do(apply).status());
  ASSERT_FALSE(fleet.renders.empty());
  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  fleet.RenderAll();
  EXPECT_TRUE(fleet.Find("web", "eu-1")->assignment.unconfirmed);
  fleet.Commit();
  EXPECT_FALSE(fleet.Find("web", "eu-1")->assignment.unconfirmed);
}

TEST(Behind, F17G18NothingIsLetGoOfThatAnotherIsToHaveOnceGitWasAsked) {
  One fleet;
  fleet.Agent("eu-1").seen.counter += 10;
  fleet.Connect("eu-1");
  fleet.content["api"]["eu-1"] = Folder{{"a", "1"}};
  fleet.Apply(fleet.MakeApplication("api", {"eu-1"}));
  fleet.Commit();
  Application web = fleet.MakeApplication("web");
  web.spec.deletion_policy = DeletionPolicy::kDelete;
  fleet.Apply(web);
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  ASSERT_TRUE(fleet.Find("web", "eu-1")->releasing());
  ASSERT_TRUE(fleet.Find("api", "eu-1")->assignment.unconfirmed);
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_FALSE(fleet.Agent("eu-1").applications.at("shop/web").releasing);

  fleet.Commit();
  fleet.Settle();
  EXPECT_NE(fleet.Agent("eu-1").applications.at("shop/api").manifest->Find(Key("a")), nullptr);
  EXPECT_FALSE(fleet.Agent("eu-1").applications.contains("shop/web")) << "it had nothing else";
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Behind, F17StatusesThatWereLostWithTheHistoryAreAskedForAgain) {
  One fleet;
  EXPECT_FALSE(AsksForAll(fleet.Connect("eu-1")));
  fleet.Agent("eu-1").status_seq += 3;  // Acknowledged by the hub before it was restored.
  EXPECT_TRUE(AsksForAll(fleet.Connect("eu-1")));
}

TEST(Behind, F17G21WhatWasSaidOfAnUnknownApplicationIsAskedForOnceItIsKnown) {
  Restored fleet;
  fleet.TakeSent("eu-1");
  fleet.Say("eu-1", fleet.Agent("eu-1").TellPages());
  EXPECT_FALSE(AsksForAll(fleet.TakeSent("eu-1")));
  // Passed over when it was said: there was no such application here.
  fleet.state.clusters.at("eu-1").instances.at("shop/web").report.reset();
  fleet.Say("eu-1", fleet.Agent("eu-1").TellPages());
  EXPECT_TRUE(AsksForAll(fleet.TakeSent("eu-1")));
}

TEST(Behind, F17StatusesOfAnotherRunAreNotTakenForThoseOfThisOne) {
  One fleet;
  fleet.Agent("eu-1").status_seq += 3;
  fleet.Say("eu-1", fleet.Agent("eu-1").SayAll());
  // It lost what it remembered, and counts below what the hub has from before.
  fleet.Agent("eu-1").status_seq -= 2;
  EXPECT_TRUE(AsksForAll(fleet.Connect("eu-1")));
}

TEST(Behind, G21F17AStatusOfALostHistoryDoesNotCountForTheSameGeneration) {
  One fleet;
  const auto backup = fleet.records;
  const CommitPoint backup_at = fleet.at;
  fleet.Change("2");
  const uint64_t generation = fleet.Agent("eu-1").applications.at("shop/web").generation;
  fleet.records = backup;
  fleet.at = backup_at;
  fleet.Restart();
  fleet.Change("3");  // The hub's own counting comes to the number that the agent has of "2".
  ASSERT_EQ(fleet.Find("web", "eu-1")->assignment.generation, generation);

  fleet.Connect("eu-1");
  fleet.Say("eu-1", fleet.Agent("eu-1").SayAll());
  const auto ready = [&] {
    const Instance* instance = fleet.Find("web", "eu-1");
    return ViewInstance(fleet.state, *fleet.state.FindApplication("shop/web"), "eu-1", instance)
        .ready();
  };
  ASSERT_TRUE(fleet.Find("web", "eu-1")->report.has_value());
  EXPECT_FALSE(ready());
  ASSERT_OK(fleet.Do(command::ApproveHub{}).status());
  fleet.Connect("eu-1");
  EXPECT_FALSE(ready());
  fleet.Tick();
  fleet.Commit();
  fleet.Settle();
  EXPECT_TRUE(ready());
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "3"}, {"b", "3"}})->digest());
}

TEST(Behind, ApprovalsAreAnsweredAsApprovals) {
  One fleet;
  fleet.Agent("eu-1").seen.counter += 10;
  fleet.Connect("eu-1");
  ASSERT_OK_AND_ASSIGN(const ReplyBody reply, fleet.Do(command::ApproveHub{}));
  EXPECT_TRUE(std::holds_alternative<reply::Approved>(reply));
}

TEST(Behind, AnotherHistoryWithTheSameCounterIsFoundOut) {
  One fleet;
  fleet.Agent("eu-1").seen.chain = Digest::Of("another history");
  fleet.Disconnect("eu-1");
  EXPECT_EQ(std::get<Welcome>(fleet.Connect("eu-1").at(0)).verdict, Verdict::kHubBehind);
}

TEST(Behind, AnEmptyHubTellsNobodyThatItWasRemoved) {
  One fleet;
  fleet.records.clear();
  fleet.at = {};
  fleet.Restart();
  fleet.Connect("eu-1");
  ASSERT_TRUE(fleet.closed.contains("eu-1"));
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kBusy);
  EXPECT_TRUE(fleet.state.behind.agents.contains("eu-1"));
}

TEST(Behind, ItStaysBehindOverARestart) {
  One fleet;
  fleet.Agent("eu-1").seen.counter += 100;
  fleet.Disconnect("eu-1");
  fleet.Connect("eu-1");
  fleet.Restart();
  EXPECT_TRUE(fleet.state.behind.agents.contains("eu-1"));
  EXPECT_THAT(fleet.Do(command::ApproveHub{}).status(), IsOk());
  EXPECT_THAT(fleet.Do(command::ApproveHub{}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("nothing waits")));
}

TEST(ReadOnly, F07AFullDiskWritesNothingAndAcknowledgesNothing) {
  One fleet;
  const auto before = fleet.records;
  fleet.state.read_only = true;
  EXPECT_THAT(fleet.Do(command::Suspend{{ResourceKind::kApplication, "shop", "web"}, ""}).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk")));
  StatusReport status;
  status.seq = fleet.state.clusters.at("eu-1").status_seq + 1;
  fleet.Say("eu-1", status);
  EXPECT_THAT(fleet.TakeSent("eu-1"), IsEmpty());
  EXPECT_FALSE(fleet.state.clusters.at("eu-1").session.has_value()) << "it comes anew";
  EXPECT_TRUE(fleet.state.clusters.at("us-1").session.has_value());
  fleet.Tick(absl::Minutes(5));
  EXPECT_EQ(fleet.records, before);
  EXPECT_FALSE(fleet.state.clusters.at("us-1").session.has_value());

  fleet.state.read_only = false;
  fleet.Tick(absl::Minutes(1));
  fleet.Connect("eu-1");
  fleet.Connect("us-1");
  fleet.Change("2");
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->size(), 2);
}

// Room comes back before the core is told that time passed: what was said in between was not heard,
// and what comes later in the same session must not acknowledge it.
TEST(ReadOnly, F07WhatWasSaidInBetweenIsSaidAgain) {
  One fleet;
  fleet.state.read_only = true;
  FakeAgent& agent = fleet.Agent("eu-1");
  StatusReport lost;
  lost.seq = ++agent.status_seq;
  DriftReport drift;
  drift.application = "shop/web";
  lost.drifts.push_back(drift);
  fleet.Say("eu-1", lost);
  fleet.state.read_only = false;
  ASSERT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kBusy);
  StatusReport next;
  next.seq = ++agent.status_seq;
  fleet.Say("eu-1", next);
  EXPECT_THAT(fleet.TakeSent("eu-1"), IsEmpty());
  EXPECT_THAT(fleet.EventReasons(), testing::Not(Contains("DriftReverted")));

  agent.status_seq = lost.seq - 1;  // The last that was acknowledged.
  fleet.Connect("eu-1");
  fleet.Say("eu-1", lost);
  EXPECT_THAT(fleet.EventReasons(), Contains("DriftReverted"));
}

TEST(ReadOnly, F07AnAgentThatIsAskedForAllItHoldsIsAskedAgain) {
  One fleet;
  fleet.Agent("eu-1").applications.at("shop/web").generation += 5;
  fleet.Disconnect("eu-1");
  ASSERT_EQ(std::get<Welcome>(fleet.Connect("eu-1").at(0)).verdict, Verdict::kProbe);
  fleet.state.read_only = true;
  fleet.Settle();  // It answers.
  fleet.state.read_only = false;
  ASSERT_EQ(std::get<Welcome>(fleet.Connect("eu-1").at(0)).verdict, Verdict::kProbe);
  fleet.Change("2");
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->size(), 2);
}

}  // namespace
}  // namespace lockstep
