// Sessions, acknowledgements and statuses.
#include <algorithm>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/core/instances.h"
#include "hub/core/queries.h"
#include "hub/core/sessions.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct One : Fleet {
  One() {
    AddCluster("eu-1");
    AddRepository();
    Apply(MakeApplication("web"));
    content["web"]["eu-1"] = Folder{{"a", "1"}};
    Connect("eu-1");
    Commit();
    Settle();
    Tick(kStatusAckGather);
    TakeSent("eu-1");  // Its acknowledgement.
  }

  void Change(const std::string& value) {
    content["web"]["eu-1"] = Folder{{"a", value}};
    Commit();
  }
  InstanceView View() {
    return ViewInstance(state, *state.FindApplication("shop/web"), "eu-1", Find("web", "eu-1"));
  }
};

Verdict VerdictOf(const std::vector<HubMessage>& sent) {
  return std::get<Welcome>(sent.at(0)).verdict;
}

TEST(Agents, OneThatHasEverythingIsSentNothing) {
  One fleet;
  fleet.Disconnect("eu-1");
  const auto sent = fleet.Connect("eu-1");
  EXPECT_EQ(VerdictOf(sent), Verdict::kNoop);
  EXPECT_THAT(sent, SizeIs(1));
}

TEST(Agents, ARestartedHubSendsNothingToThoseInStep) {
  One fleet;
  fleet.Restart();
  const auto sent = fleet.Connect("eu-1");
  EXPECT_EQ(VerdictOf(sent), Verdict::kNoop);
  EXPECT_THAT(sent, SizeIs(1));
}

TEST(Agents, OneThatMissedSomethingGetsADelta) {
  One fleet;
  fleet.Disconnect("eu-1");
  fleet.Change("2");
  fleet.Change("3");
  const auto sent = fleet.Connect("eu-1");
  EXPECT_EQ(VerdictOf(sent), Verdict::kDelta);
  ASSERT_THAT(sent, SizeIs(2)) << "the newest only";
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "3"}})->digest());
}

TEST(Agents, AnAckThatWasLostIsNotNeeded) {
  One fleet;
  fleet.Change("2");
  const auto sent = fleet.TakeSent("eu-1");
  fleet.Agent("eu-1").Take(std::get<Desired>(sent.at(0)));  // What it says is lost with the stream.
  fleet.Disconnect("eu-1");
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kNoop);
}

TEST(Agents, OneThatLostItsStoreIsComparedAndServedAgain) {
  One fleet;
  fleet.Disconnect("eu-1");
  fleet.Agent("eu-1") = FakeAgent();
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe);
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->size(), 1);
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Agents, F31RepeatedAndReorderedMessagesAreHarmless) {
  One fleet;
  fleet.Change("2");
  const Desired first = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  fleet.Change("3");
  const Desired second = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  FakeAgent& agent = fleet.Agent("eu-1");
  auto said = agent.Take(first);
  auto more = agent.Take(second);
  said.insert(said.end(), more.begin(), more.end());
  for (size_t i = said.size(); i-- > 0;) {
    fleet.Say("eu-1", said[i]);
    fleet.Say("eu-1", said[i]);
  }
  fleet.Settle();
  EXPECT_EQ(agent.applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "3"}})->digest());
  EXPECT_EQ(fleet.Find("web", "eu-1")->received.manifest->digest(),
            MakeManifest({{"a", "3"}})->digest());
}

TEST(Agents, ANewTargetReplacesTheOneUnderWay) {
  One fleet;
  for (int i = 2; i < 20; ++i) fleet.Change(absl::StrCat(i));
  EXPECT_THAT(fleet.TakeSent("eu-1"), SizeIs(4)) << "no more than may be under way";
  Ack ack;
  ack.received_through = fleet.state.clusters.at("eu-1").desired_seq - 3;
  ack.cluster_root = fleet.state.clusters.at("eu-1").session->in_flight.front().root;
  fleet.Say("eu-1", ack);
  const auto sent = fleet.TakeSent("eu-1");
  ASSERT_THAT(sent, SizeIs(1));
  const auto& target = std::get<Desired>(sent[0]).applications.at(0);
  EXPECT_EQ(std::get<std::shared_ptr<const DeltaMessage>>(target.content)->delta.target,
            MakeManifest({{"a", "19"}})->digest());
}

TEST(Agents, OfTwoSessionsTheHigherStartCounterWins) {
  One fleet;
  fleet.Agent("eu-1").start_counter = 5;
  fleet.Connect("eu-1");
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kReplaced);
  fleet.closed.clear();
  FakeAgent older = fleet.Agent("eu-1");
  fleet.Agent("eu-1").start_counter = 3;
  EXPECT_THAT(fleet.Connect("eu-1"), IsEmpty()) << "the older one is turned away";
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kReplaced);
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());
}

TEST(Agents, ARefusalIsShownAndNotSentAgainUnlessItMayHeal) {
  One fleet;
  fleet.Change("2");
  const Desired sent = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  Ack ack;
  ack.received_through = sent.seq;
  ack.cluster_root = fleet.Agent("eu-1").Root();
  ack.refused.push_back({"shop/web", sent.applications[0].generation,
                         ApplicationAck::Code::kNoSpace, "disk full", true});
  fleet.Say("eu-1", ack);
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  EXPECT_THAT(fleet.View().message, HasSubstr("disk full"));
  EXPECT_THAT(fleet.TakeSent("eu-1"), IsEmpty());
  fleet.Say("eu-1", Beat{});
  fleet.Tick(absl::Seconds(29));
  EXPECT_THAT(fleet.TakeSent("eu-1"), IsEmpty());
  fleet.Tick(absl::Seconds(2));
  EXPECT_THAT(fleet.TakeSent("eu-1"), SizeIs(1));
}

TEST(Agents, F08AMessageThatWasRefusedWholeIsShownAndTriedAgain) {
  One fleet;
  fleet.Change("2");
  const Desired sent = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  Ack ack;
  ack.received_through = sent.seq - 1;  // Nothing of it was kept.
  ack.cluster_root = fleet.Agent("eu-1").Root();
  ack.refused.push_back({"shop/web", sent.applications[0].generation,
                         ApplicationAck::Code::kNoSpace, "disk full", true});
  fleet.Say("eu-1", ack);
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  EXPECT_THAT(fleet.View().message, HasSubstr("disk full"));
  EXPECT_THAT(fleet.EventReasons(), Contains("TargetRefused"));
  fleet.Tick(absl::Seconds(29));
  fleet.Say("eu-1", Beat{});
  fleet.Tick(absl::Seconds(2));
  ASSERT_THAT(fleet.TakeSent("eu-1"), SizeIs(1));
  // The answer to that is lost with the stream: the next one brings it again.
  fleet.Disconnect("eu-1");
  const auto again = fleet.Connect("eu-1");
  EXPECT_TRUE(std::any_of(again.begin(), again.end(), [](const HubMessage& message) {
    return std::holds_alternative<Desired>(message);
  }));
}

TEST(Agents, G21AnAgentThatIsAwayIsNeverGreen) {
  One fleet;
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
  fleet.Disconnect("eu-1");
  EXPECT_EQ(fleet.View().state, ShownState::kOffline);
  EXPECT_FALSE(fleet.View().fresh);
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).ready, 0);
  fleet.Restart();
  EXPECT_EQ(fleet.View().state, ShownState::kOffline) << "after the hub's start too";
}

TEST(Agents, G21AReportOfAnOlderGenerationIsNotGreen) {
  One fleet;
  fleet.Change("2");
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
}

TEST(Agents, SilenceEndsTheSession) {
  One fleet;
  fleet.Tick(absl::Seconds(29));
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());
  fleet.Say("eu-1", Beat{});
  fleet.Tick(absl::Seconds(20));
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());
  fleet.Tick(absl::Seconds(20));
  EXPECT_FALSE(fleet.state.clusters.at("eu-1").session.has_value());
  EXPECT_THAT(fleet.EventReasons(), Contains("AgentOffline"));
}

// Its messages may wait behind others, or were not read while the process stood still.
TEST(Agents, F24AHubThatHadNoTimeToListenJudgesNobody) {
  One fleet;
  for (int i = 0; i < 9; ++i) {
    fleet.now += absl::Seconds(10);
    fleet.Step(event::Tick{.backlog = true});
  }
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value()) << "events wait";
  fleet.Tick(absl::Hours(8));
  EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value()) << "it slept";
  fleet.Tick(absl::Seconds(10));
  EXPECT_FALSE(fleet.state.clusters.at("eu-1").session.has_value());
}

TEST(Agents, F22TimersDoNotFollowAClockThatIsSet) {
  One fleet;
  const ResourceKey web{ResourceKind::kApplication, "shop", "web"};
  for (const absl::Duration set : {absl::Hours(-24), absl::Hours(24)}) {
    fleet.state.clock_ahead = set;
    fleet.Commit();
    fleet.Say("eu-1", Beat{});
    fleet.Tick(absl::Seconds(10));
    const SourceState& source = fleet.state.sources.at({"default", "fleet"});
    EXPECT_GT(source.next_due, fleet.now);
    EXPECT_LT(source.next_due, fleet.now + absl::Minutes(2));
    EXPECT_TRUE(fleet.state.clusters.at("eu-1").session.has_value());
    EXPECT_EQ(source.last_fetch, fleet.now - absl::Seconds(10) + set) << "as the clock shows it";
    ASSERT_OK(fleet.Do(command::Suspend{web, ""}).status());
    EXPECT_EQ(fleet.state.FindApplication("shop/web")->suspension->since, fleet.now + set);
  }
}

// What waits for a fetch that will not be made is told so.
TEST(Agents, ASyncThatWaitsForASuspendedRepositoryIsAnswered) {
  One fleet;
  const ResourceKey key{ResourceKind::kGitRepository, "default", "fleet"};
  fleet.fetches.clear();
  fleet.Step(event::Command{1001, "ada", command::Sync{key}});
  fleet.Step(event::Command{1002, "ada", command::Sync{key}});
  ASSERT_OK(fleet.Do(command::Suspend{key, ""}).status());
  ASSERT_THAT(fleet.fetches, SizeIs(1));
  const std::vector<Effect> effects = fleet.Step(event::FetchDone{
      {"default", "fleet"}, absl::UnavailableError("no route"), fleet.fetches[0].job});
  std::map<uint64_t, absl::Status> answers;
  for (const Effect& effect : effects) {
    if (const auto* reply = std::get_if<effect::Reply>(&effect))
      answers[reply->request] = reply->result.status();
  }
  EXPECT_THAT(answers[1001], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no route")));
  EXPECT_THAT(answers[1002], StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("resume")));
}

TEST(Agents, WhatAnAgentBringsThatNobodyDeclaresIsBounded) {
  One fleet;
  StatusReport status;
  status.seq = fleet.Agent("eu-1").status_seq + 1;
  for (size_t i = 0; i < kLeftPerClusterMax + 50; ++i) {
    status.applications.push_back({.name = absl::StrCat("shop/unknown-", i),
                                   .generation = 1,
                                   .state = ApplicationState::kDeleting});
  }
  fleet.Say("eu-1", status);
  EXPECT_LE(fleet.state.clusters.at("eu-1").instances.size(), kLeftPerClusterMax + 10);
  EXPECT_THAT(fleet.EventReasons(), Contains("TooManyUnknown"));
}

// Ten thousand agents let go of an application one after another.
TEST(Agents, AReleaseOnOneClusterLooksAtNoOther) {
  One fleet;
  fleet.AddCluster("eu-2");
  fleet.content["web"]["eu-2"] = Folder{{"a", "1"}};
  fleet.Commit();
  fleet.Apply(fleet.MakeApplication("web", {"eu-2"}));
  const uint64_t generation = fleet.Find("web", "eu-2")->assignment.generation;
  // Looking there would find something to do.
  fleet.state.clusters.at("eu-2").instances.at("shop/web").assignment.options.interval *= 2;
  fleet.Settle();
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
  EXPECT_EQ(fleet.Find("web", "eu-2")->assignment.generation, generation);
}

TEST(Agents, ABeatWithAnotherRootLeadsToAComparison) {
  One fleet;
  for (int i = 0; i < 4; ++i) {
    fleet.Say("eu-1", Beat{std::string(8, 'x'), 0});
    fleet.Tick(absl::Seconds(10));
  }
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kBusy);
}

TEST(Agents, StatusesAreAcknowledgedTogetherAfterTheyWereWritten) {
  One fleet;
  StatusReport status;
  status.seq = fleet.state.clusters.at("eu-1").status_seq + 1;
  const SessionId session = fleet.state.clusters.at("eu-1").session->id;
  const std::vector<Effect> effects = fleet.Step(event::AgentSaid{session, status});
  ASSERT_TRUE(std::holds_alternative<effect::Write>(effects.front()));
  ++status.seq;
  fleet.Say("eu-1", status);
  EXPECT_THAT(fleet.TakeSent("eu-1"), testing::IsEmpty());
  EXPECT_EQ(NextDue(fleet.state), fleet.state.next_status_ack);

  fleet.Tick(kStatusAckGather);
  const auto sent = fleet.TakeSent("eu-1");
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(std::get<StatusAck>(sent[0]).through, status.seq);
  fleet.Tick(kStatusAckGather);
  EXPECT_THAT(fleet.TakeSent("eu-1"), testing::IsEmpty());
}

TEST(Agents, AGapInStatusesAsksForAll) {
  One fleet;
  StatusReport status;
  status.seq = fleet.state.clusters.at("eu-1").status_seq + 5;
  fleet.Say("eu-1", status);
  const auto sent = fleet.TakeSent("eu-1");
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<Command::Report>(std::get<Command>(sent[0]).action));
}

TEST(Agents, DriftIsRecorded) {
  One fleet;
  StatusReport status;
  status.seq = fleet.state.clusters.at("eu-1").status_seq + 1;
  status.drifts.push_back({"shop/web",
                           Key("a"),
                           DriftReport::Kind::kModified,
                           {"data.x"},
                           fleet.now,
                           absl::Milliseconds(3)});
  fleet.Say("eu-1", status);
  EXPECT_THAT(fleet.EventReasons(), Contains("DriftReverted"));
}

TEST(Agents, ARebuiltTargetWaitsToBeAccepted) {
  One fleet;
  fleet.Disconnect("eu-1");
  fleet.Agent("eu-1") = FakeAgent();
  fleet.Agent("eu-1").target_uid = std::string(16, 'v');
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kNotAccepted);
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").applications, IsEmpty());
  EXPECT_THAT(fleet.View().message, HasSubstr("cluster accept eu-1"));
  ASSERT_OK(fleet.Do(command::AcceptCluster{"eu-1", ""}).status());
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kBusy) << "it comes anew";
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe);
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").applications, SizeIs(1));
}

// What a person allowed to be taken over is taken over once, whatever came of it.
TEST(Agents, AnAcceptanceOfForeignObjectsIsSpentByTheFirstReport) {
  for (const ApplicationState came_of_it :
       {ApplicationState::kSynced, ApplicationState::kHeld, ApplicationState::kDegraded}) {
    One fleet;
    ASSERT_OK(fleet.Do(command::AcceptCluster{"eu-1", "shop/web"}).status());
    const Assignment& assignment = fleet.Find("web", "eu-1")->assignment;
    ASSERT_TRUE(assignment.accept_foreign);
    StatusReport status;
    status.seq = fleet.Agent("eu-1").status_seq + 1;
    status.applications.push_back({.name = "shop/web",
                                   .generation = assignment.generation,
                                   .manifest = assignment.manifest->digest(),
                                   .state = came_of_it});
    fleet.Say("eu-1", status);
    EXPECT_FALSE(assignment.accept_foreign) << StateName(came_of_it);
  }
}

TEST(Agents, AnotherProtocolIsTurnedAwayWithAReason) {
  One fleet;
  Hello hello = fleet.Agent("eu-1").SayHello();
  hello.proto_min = hello.proto_max = 9;
  const auto effects = Step(
      fleet.state,
      event::AgentHello{77, std::string(16, 's'), "eu-1", Digest::Of("key of eu-1"), hello, {}},
      fleet.now);
  bool refused = false;
  for (const Effect& effect : effects) {
    const auto* close = std::get_if<effect::CloseSession>(&effect);
    refused |= close != nullptr && close->goodbye->reason == Goodbye::Reason::kVersion;
  }
  EXPECT_TRUE(refused);
}

TEST(Agents, ATokenWorksOnceForItsClusterUntilItExpires) {
  One fleet;
  fleet.AddCluster("us-1");
  const Digest token = Digest::Of("secret");
  const command::RedeemToken redeem{token, "us-1", Digest::Of("key"), std::string(16, 'u')};
  const auto denied = StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("join-token"));
  EXPECT_THAT(fleet.Do(redeem).status(), denied) << "unknown";
  ASSERT_OK(fleet.Do(command::CreateJoinToken{"us-1", {}, token}).status());
  EXPECT_THAT(fleet.Do(command::RedeemToken{token, "eu-1", Digest::Of("key"), std::string(16, 'u')})
                  .status(),
              denied);
  ASSERT_OK(fleet.Do(redeem).status());
  EXPECT_THAT(fleet.Do(redeem).status(), denied) << "used";
  EXPECT_OK(CheckIdentity(fleet.state, "us-1", Digest::Of("key")));
  ASSERT_OK(fleet.Do(command::CreateJoinToken{"us-1", {}, token}).status());
  fleet.Tick(absl::Minutes(16));
  EXPECT_THAT(fleet.Do(redeem).status(), denied) << "expired";
}

TEST(Agents, RedeemingATokenRevokesTheKeyBefore) {
  One fleet;
  const Digest token = Digest::Of("secret");
  ASSERT_OK(fleet.Do(command::CreateJoinToken{"eu-1", {}, token}).status());
  ASSERT_OK(
      fleet.Do(command::RedeemToken{token, "eu-1", Digest::Of("new key"), std::string(16, 'u')})
          .status());
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kRevoked);
  EXPECT_THAT(CheckIdentity(fleet.state, "eu-1", Digest::Of("key of eu-1")),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("revoked")));
}

TEST(Agents, ANewAgentIsAskedBeforeARootOfNothingProvesARelease) {
  One fleet;
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  fleet.Agent("eu-1") = FakeAgent();  // It has nothing that could be released.
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe);
  fleet.Settle();
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
}

TEST(Agents, F31ARepeatedFullStatusDoesNotReplaceALaterOne) {
  One fleet;
  ApplicationReport report = *fleet.Find("web", "eu-1")->report;
  StatusReport full{fleet.Agent("eu-1").status_seq + 1, true, {report}, {}};
  full.applications[0].reason = "Earlier";
  StatusReport later{full.seq + 1, false, {report}, {}};
  later.applications[0].reason = "Later";
  fleet.Say("eu-1", full);
  fleet.Say("eu-1", later);
  fleet.Say("eu-1", full);
  EXPECT_EQ(fleet.Find("web", "eu-1")->report->reason, "Later");
}

TEST(Agents, AHubThatLostWhatItAcknowledgedAsksForIt) {
  One fleet;
  fleet.Disconnect("eu-1");
  fleet.state.clusters.at("eu-1").status_seq = 0;
  const auto sent = fleet.Connect("eu-1");
  EXPECT_TRUE(std::any_of(sent.begin(), sent.end(), [](const HubMessage& message) {
    const auto* command = std::get_if<lockstep::Command>(&message);
    return command != nullptr && std::holds_alternative<lockstep::Command::Report>(command->action);
  }));
}

TEST(Agents, AReleaseIsNotReadFromARoot) {
  One fleet;
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  const auto sent = fleet.TakeSent("eu-1");
  fleet.Agent("eu-1").Take(std::get<Desired>(sent.at(0)));  // What it says is lost.
  fleet.Disconnect("eu-1");
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe);
  fleet.Settle();
  EXPECT_NE(fleet.Find("web", "eu-1"), nullptr);
  fleet.Say("eu-1", fleet.Agent("eu-1").SayAll());
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
}

TEST(Agents, AReleaseUnderWayIsAskedForAtEachReturn) {
  One fleet;
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  const auto sent = fleet.TakeSent("eu-1");
  FakeAgent& agent = fleet.Agent("eu-1");
  agent.Take(std::get<Desired>(sent.at(0)));
  const Digest root = agent.Root();
  fleet.Say("eu-1", Ack{std::get<Desired>(sent.at(0)).seq, {}, root});
  ASSERT_TRUE(fleet.Find("web", "eu-1")->received.releasing);
  fleet.Disconnect("eu-1");
  const CommitPoint seen = agent.seen;
  agent = FakeAgent();  // It lost its memory, and has heard of this hub again before it was asked.
  agent.seen = seen;
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe);
  fleet.Settle();
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
}

TEST(Agents, AReleaseThatWasReportedBeforeItWasDecidedIsDone) {
  One fleet;
  ApplicationReport report = *fleet.Find("web", "eu-1")->report;
  report.generation = 9;  // Of a history that was lost.
  report.state = ApplicationState::kReleased;
  fleet.Say("eu-1", StatusReport{++fleet.Agent("eu-1").status_seq, false, {report}, {}});
  ASSERT_NE(fleet.Find("web", "eu-1"), nullptr);
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  Ack ack;
  ack.received_through = fleet.state.clusters.at("eu-1").desired_seq;
  ack.cluster_root = Digest();
  fleet.Say("eu-1", ack);
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
}

TEST(Agents, WhatGoesAndWasForgottenIsToldToLetGo) {
  One fleet;
  ApplicationReport report = *fleet.Find("web", "eu-1")->report;
  report.name = "shop/gone";
  report.generation = 7;
  report.state = ApplicationState::kDeleting;
  fleet.Say("eu-1", StatusReport{++fleet.Agent("eu-1").status_seq, false, {report}, {}});
  const Instance* gone = fleet.Find("gone", "eu-1");
  ASSERT_NE(gone, nullptr);
  EXPECT_EQ(gone->assignment.release, ReleaseObjects::kOrphan);
  EXPECT_EQ(gone->assignment.generation, 8);
  fleet.Restart();
  EXPECT_EQ(fleet.Find("gone", "eu-1")->received.generation, 7);
}

TEST(Agents, WhatGoesAndWasForgottenIsToldToLetGoOnceItsTargetIsAccepted) {
  One fleet;
  ApplicationReport report = *fleet.Find("web", "eu-1")->report;
  report.name = "shop/gone";
  report.generation = 7;
  report.state = ApplicationState::kHeld;
  fleet.Disconnect("eu-1");
  fleet.Agent("eu-1").target_uid = std::string(16, 'v');
  ASSERT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kNotAccepted);
  fleet.desired_to.clear();
  fleet.Say("eu-1", StatusReport{++fleet.Agent("eu-1").status_seq, false, {report}, {}});
  fleet.Settle();
  EXPECT_THAT(fleet.desired_to, IsEmpty());
  ASSERT_NE(fleet.Find("gone", "eu-1"), nullptr);
  EXPECT_EQ(fleet.Find("gone", "eu-1")->assignment.release, ReleaseObjects::kOrphan);
  ASSERT_OK(fleet.Do(command::AcceptCluster{"eu-1", ""}).status());
  EXPECT_EQ(VerdictOf(fleet.Connect("eu-1")), Verdict::kProbe) << "it says what it has of it";
}

TEST(Agents, WhatWaitsAfterARefusalGoesAlongWithWhateverGoes) {
  One fleet;
  fleet.Apply(fleet.MakeApplication("api"));
  fleet.content["api"]["eu-1"] = Folder{{"b", "1"}};
  fleet.Commit();
  fleet.Settle();
  fleet.Change("2");
  const Desired sent = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  Ack ack;
  ack.received_through = sent.seq;
  ack.cluster_root = fleet.Agent("eu-1").Root();
  ack.refused.push_back({"shop/web", sent.applications[0].generation,
                         ApplicationAck::Code::kNoSpace, "the disk is full", true});
  fleet.Say("eu-1", ack);
  EXPECT_THAT(fleet.TakeSent("eu-1"), IsEmpty()) << "it waits";
  fleet.content["api"]["eu-1"] = Folder{{"b", "2"}};
  fleet.Commit();
  const Desired next = std::get<Desired>(fleet.TakeSent("eu-1").at(0));
  EXPECT_THAT(next.applications, SizeIs(2)) << "they may hand something over";
}

}  // namespace
}  // namespace lockstep
