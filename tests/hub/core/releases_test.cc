// A commit's way to the agents.
#include <chrono>
#include <cstdio>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/text/utf8.h"
#include "hub/core/queries.h"
#include "hub/core/records.h"
#include "hub/rollup/convert.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ApplicationView View(const Fleet& fleet, const std::string& name) {
  return ViewApplication(fleet.state, *fleet.state.FindApplication(absl::StrCat("shop/", name)));
}

// Two clusters with an agent each, one application with an object on each.
struct Two : Fleet {
  Two() {
    AddCluster("eu-1");
    AddCluster("us-1");
    AddRepository();
    Apply(MakeApplication("web"));
    content["web"]["eu-1"] = Folder{{"a", "1"}};
    content["web"]["us-1"] = Folder{{"a", "1"}};
    Connect("eu-1");
    Connect("us-1");
    Commit();
    Settle();
  }
};

TEST(Releases, ACommitReachesEveryAgentAndItsStatusComesBack) {
  Two fleet;
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "1"}})->digest());
  const ApplicationView view = View(fleet, "web");
  EXPECT_EQ(view.state, ShownState::kSynced);
  EXPECT_EQ(view.clusters, 2);
  EXPECT_EQ(view.ready, 2);
  EXPECT_THAT(view.revision, HasSubstr("main@sha1:"));
}

TEST(Releases, TheObjectsTravelInTheMessage) {
  Two fleet;
  fleet.content["web"]["eu-1"] = Folder{{"a", "2"}};
  fleet.Commit();
  const std::vector<HubMessage> sent = fleet.TakeSent("eu-1");
  ASSERT_EQ(sent.size(), 1);
  const auto& target = std::get<Desired>(sent[0]).applications.at(0);
  const DeltaMessage& message = *std::get<std::shared_ptr<const DeltaMessage>>(target.content);
  ASSERT_EQ(message.delta.changes.size(), 1);
  EXPECT_EQ(message.delta.changes[0].position, 0u);
  EXPECT_EQ(message.data.at(message.delta.changes[0].blob), "a=2");
  EXPECT_FALSE(target.options.has_value());
}

TEST(Releases, UnaffectedClustersAreSentNothingAndNothingIsWrittenAboutThem) {
  Two fleet;
  fleet.content["web"]["eu-1"] = Folder{{"a", "2"}};
  fleet.desired_to.clear();
  const auto before =
      fleet.records.at({Family::kAssignment, std::string("\0us-1\0shop/web\0", 15)});
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.desired_to, ElementsAre("eu-1"));
  EXPECT_EQ(fleet.records.at({Family::kAssignment, std::string("\0us-1\0shop/web\0", 15)}), before);
  EXPECT_EQ(View(fleet, "web").instances[1].revision, View(fleet, "web").revision)
      << "it is at the newest revision";
}

TEST(Releases, AgentsInTheSameStateShareOneMessage) {
  Two fleet;
  fleet.content["web"]["eu-1"] = Folder{{"a", "2"}};
  fleet.content["web"]["us-1"] = Folder{{"a", "2"}};
  fleet.Commit();
  const auto content = [&](const std::string& cluster) {
    return std::get<std::shared_ptr<const DeltaMessage>>(
        std::get<Desired>(fleet.TakeSent(cluster).at(0)).applications.at(0).content);
  };
  EXPECT_EQ(content("eu-1").get(), content("us-1").get());
}

TEST(Releases, F70ARenderErrorConcernsThatClusterAlone) {
  Two fleet;
  fleet.content["web"]["eu-1"] =
      absl::InvalidArgumentError("apps/web/eu-1/a.yaml:3:1: no such thing");
  fleet.content["web"]["us-1"] = Folder{{"a", "2"}};
  fleet.desired_to.clear();
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.desired_to, ElementsAre("us-1"));
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "1"}})->digest());
  const ApplicationView view = View(fleet, "web");
  EXPECT_EQ(view.state, ShownState::kStalled);
  EXPECT_THAT(view.message, HasSubstr("apps/web/eu-1/a.yaml:3:1"));
  EXPECT_EQ(view.ready, 1);
}

TEST(Releases, AMendedErrorGoesOn) {
  Two fleet;
  fleet.content["web"]["eu-1"] = absl::InvalidArgumentError("broken");
  fleet.Commit();
  fleet.content["web"]["eu-1"] = Folder{{"a", "3"}};
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(View(fleet, "web").state, ShownState::kSynced);
}

TEST(Releases, A90OneBadApplicationAmongAThousandStopsNoOther) {
  Fleet fleet;
  fleet.AddCluster("eu-1");
  fleet.AddRepository();
  std::vector<Resource> applications;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat("app-", i);
    applications.push_back(fleet.MakeApplication(name));
    fleet.content[name]["eu-1"] = Folder{{name, "1"}};
  }
  fleet.content["app-500"]["eu-1"] = absl::InvalidArgumentError("broken");
  ASSERT_OK(fleet.TryApply(std::move(applications)));
  fleet.Connect("eu-1");
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").applications.size(), 999);
}

TEST(Releases, F64APathThatIsGoneIsAnErrorAndWhatRanGoesOn) {
  Two fleet;
  fleet.content["web"]["eu-1"] = Missing{};
  fleet.desired_to.clear();
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.desired_to, IsEmpty());
  EXPECT_EQ(View(fleet, "web").state, ShownState::kStalled);
  EXPECT_THAT(View(fleet, "web").message, HasSubstr("apps/web/${cluster.name}"));
}

TEST(Releases, F64APathThatIsGoneAndMayBeIsHeld) {
  Two fleet;
  Application web = fleet.MakeApplication("web");
  web.spec.missing_path = MissingPath::kSkip;
  fleet.Apply(web);
  fleet.content["web"]["eu-1"] = Missing{};
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(View(fleet, "web").state, ShownState::kHeld);
  EXPECT_EQ(View(fleet, "web").clusters, 2);

  ASSERT_OK(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "", false, {}, false}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, ElementsAre(Key("a")));
  EXPECT_EQ(View(fleet, "web").clusters, 1) << "it has nothing of it now and does not count";
}

TEST(Releases, F64AFolderThatRendersToNothingIsHeld) {
  Two fleet;
  fleet.content["web"]["eu-1"] = Folder{};
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(View(fleet, "web").state, ShownState::kHeld);
}

TEST(Releases, WhatWasNeverThereAndIsSkippedDoesNotCount) {
  Two fleet;
  Application base = fleet.MakeApplication("base");
  base.spec.missing_path = MissingPath::kSkip;
  fleet.content["base"]["us-1"] = Folder{{"b", "1"}};
  fleet.Apply(base);
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(View(fleet, "base").clusters, 1);
  EXPECT_EQ(View(fleet, "base").ready, 1);
  EXPECT_EQ(fleet.Find("base", "eu-1")->assignment.generation, 0);
}

const ResourceKey kRepository{ResourceKind::kGitRepository, "default", "fleet"};

v1::GitRepositoryStatus SourceStatus(const Fleet& fleet) {
  return ToMessage(fleet.state, *fleet.state.FindResource(kRepository), PerCluster::kNo)
      .git_repository()
      .status();
}

// Messages of the warnings about the repository.
std::vector<std::string> Warnings(const Fleet& fleet) {
  std::vector<std::string> messages;
  for (const auto& [place, value] : fleet.records) {
    if (place.first != Family::kEvent) continue;
    const absl::StatusOr<AuditEvent> event = DecodeEvent(value);
    if (event.ok() && event->warning && event->about == kRepository)
      messages.push_back(event->message);
  }
  return messages;
}

TEST(Releases, F59F60F63AFetchThatFailsChangesNothingAndSaysSinceWhenTheSourceIsStale) {
  for (const absl::Status& error :
       {absl::UnavailableError("HTTP 500"), absl::PermissionDeniedError("HTTP 401"),
        absl::NotFoundError("refs/heads/main is gone"), absl::DeadlineExceededError("it took 60 s"),
        absl::DataLossError("the pack is cut")}) {
    Two fleet;
    const v1::GitRepositoryStatus before = SourceStatus(fleet);
    EXPECT_EQ(before.state(), "Synced");
    fleet.desired_to.clear();
    fleet.now += absl::Minutes(1);
    EXPECT_EQ(fleet.FailFetch(error), error);
    fleet.Settle();
    EXPECT_THAT(fleet.desired_to, IsEmpty());
    EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
    EXPECT_EQ(View(fleet, "web").state, ShownState::kSynced);
    const v1::GitRepositoryStatus status = SourceStatus(fleet);
    EXPECT_EQ(status.state(), "Stalled");
    EXPECT_EQ(status.revision(), before.revision());
    EXPECT_EQ(status.last_fetch_time().seconds(), before.last_fetch_time().seconds());
    EXPECT_THAT(Warnings(fleet), ElementsAre(std::string(error.message())));
  }
}

TEST(Releases, F62ARewrittenHistoryIsFollowedAnEventNamesBothHeadsAndDeletesWaitAsAlways) {
  Two fleet;
  const std::string old_head = fleet.state.sources.at({"default", "fleet"}).commit;
  fleet.content["web"]["eu-1"] = Folder{};
  fleet.content["web"]["us-1"] = Folder{{"a", "2"}};
  fleet.rewritten = true;
  fleet.Commit();
  fleet.Settle();
  const std::string new_head = fleet.state.sources.at({"default", "fleet"}).commit;
  EXPECT_NE(new_head, old_head);
  EXPECT_THAT(Warnings(fleet),
              ElementsAre(testing::AllOf(HasSubstr("history was rewritten"), HasSubstr(old_head),
                                         HasSubstr(new_head))));
  EXPECT_EQ(fleet.Agent("us-1").applications.at("shop/web").manifest->digest(),
            MakeManifest({{"a", "2"}})->digest());
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(View(fleet, "web").state, ShownState::kHeld);
}

TEST(Releases, A30WhatAServerSaysIsCleanedBeforeItIsStored) {
  Two fleet;
  (void)fleet.FailFetch(absl::UnavailableError("nothing at \xff\xfe here"));
  EXPECT_TRUE(IsUtf8(Warnings(fleet).at(0)));
  EXPECT_THAT(Warnings(fleet).at(0), HasSubstr("here"));
  const std::string commit(40, 'c');
  (void)fleet.Do(command::Sync{kRepository});
  const effect::StartFetch fetch = std::exchange(fleet.fetches, {}).at(0);
  fleet.Step(event::FetchDone{fetch.repository,
                              event::Fetched{"m\xff@sha1:" + commit, commit, false}, fetch.job});
  EXPECT_TRUE(IsUtf8(SourceStatus(fleet).revision()));
  EXPECT_THAT(SourceStatus(fleet).revision(), HasSubstr(commit));
}

TEST(Releases, F60FailedFetchesAreTriedAgainLaterAndLater) {
  Two fleet;
  std::vector<absl::Duration> waits;
  for (int i = 0; i < 12; ++i) {
    (void)fleet.FailFetch(absl::UnavailableError("connection refused"));
    waits.push_back(fleet.state.sources.at({"default", "fleet"}).next_due - fleet.now);
  }
  EXPECT_LT(waits[0], absl::Seconds(6));
  EXPECT_GT(waits[3], absl::Seconds(30));
  EXPECT_GT(waits[11], absl::Minutes(8));
  EXPECT_LT(waits[11], absl::Minutes(12));
  fleet.Commit();
  EXPECT_LT(fleet.state.sources.at({"default", "fleet"}).next_due - fleet.now, absl::Seconds(70));
}

TEST(Releases, RepositoriesAreLookedAtWhenTheirTimeComes) {
  Two fleet;
  fleet.fetches.clear();
  fleet.Tick(absl::Seconds(30));
  EXPECT_THAT(fleet.fetches, IsEmpty());
  fleet.Tick(absl::Seconds(40));
  EXPECT_EQ(fleet.fetches.size(), 1);
}

TEST(Releases, GenerationsOnlyGrowAlsoWhenAnApplicationComesAgain) {
  Two fleet;
  uint64_t last = fleet.Find("web", "eu-1")->assignment.generation;
  for (const char* value : {"2", "3", "2"}) {
    fleet.content["web"]["eu-1"] = Folder{{"a", value}};
    fleet.Commit();
    fleet.Settle();
    EXPECT_EQ(fleet.Find("web", "eu-1")->assignment.generation, last + 1);
    last = fleet.Find("web", "eu-1")->assignment.generation;
  }
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "web"}}).status());
  fleet.Settle();
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.Commit();
  EXPECT_GT(fleet.Find("web", "eu-1")->assignment.generation, last);
}

TEST(Releases, D3AnAgentMayFetchWhatItsAssignmentsNameAndNothingElse) {
  Two fleet;
  const Digest old_blob = Digest::Of("a=1");
  fleet.content["web"]["eu-1"] = Folder{{"a", "2"}};
  fleet.Commit();
  fleet.Settle();
  EXPECT_TRUE(MayFetch(fleet.state, "eu-1", Digest::Of("a=2")));
  EXPECT_TRUE(MayFetch(fleet.state, "eu-1", old_blob)) << "of the assignment before";
  EXPECT_TRUE(MayFetch(fleet.state, "eu-1", MakeManifest({{"a", "2"}})->digest()));
  EXPECT_FALSE(MayFetch(fleet.state, "us-1", Digest::Of("a=2")));
  EXPECT_FALSE(MayFetch(fleet.state, "unknown", old_blob));
}

TEST(Releases, HistoryIsBounded) {
  Two fleet;
  for (int i = 0; i < 30; ++i) {
    fleet.content["web"]["eu-1"] = Folder{{"a", absl::StrCat(i)}};
    fleet.Commit();
    fleet.Settle();
  }
  size_t kept = 0;
  for (const auto& [place, value] : fleet.records) kept += place.first == Family::kRelease ? 1 : 0;
  EXPECT_EQ(kept, 20 + 1);
}

// A repository was deleted and made anew, of another URL, while something of it was under way.
TEST(Releases, WhatWasUnderWayForADeletedRepositoryIsNotTakenForTheNewOne) {
  Two fleet;
  const ResourceKey repository{ResourceKind::kGitRepository, "default", "fleet"};
  const auto remake = [&] {
    ASSERT_OK(fleet.Do(command::Delete{repository}).status());
    fleet.AddRepository();
  };
  fleet.Do(command::Sync{repository}).IgnoreError();
  ASSERT_EQ(fleet.fetches.size(), 1);
  const effect::StartFetch stale = fleet.fetches.front();
  remake();
  fleet.Step(event::FetchDone{
      stale.repository, event::Fetched{"main@sha1:0bad", std::string(40, 'b'), false}, stale.job});
  EXPECT_EQ(fleet.state.sources.at(stale.repository).commit, "");
  EXPECT_TRUE(fleet.state.sources.at(stale.repository).fetching);

  fleet.fetches.erase(fleet.fetches.begin());
  const effect::StartFetch fresh = fleet.fetches.front();
  const event::Fetched fetched{"main@sha1:600d", std::string(40, 'a'), false};
  fleet.Step(event::FetchDone{fresh.repository, fetched, fresh.job});
  EXPECT_EQ(fleet.state.sources.at(fresh.repository).commit, std::string(40, 'a'));
  ASSERT_EQ(fleet.renders.size(), 1);
  const effect::StartRender old = fleet.renders.front();
  fleet.renders.clear();
  fleet.fetches.clear();
  remake();
  const effect::StartFetch third = fleet.fetches.front();
  fleet.Step(event::FetchDone{third.repository, fetched, third.job});
  event::RenderDone done{old.repository, old.revision, {}, {}, old.job};
  done.outcomes.push_back(
      {"shop/web", "eu-1", Digest(), absl::InvalidArgumentError("of the repository before")});
  fleet.Step(done);
  EXPECT_EQ(fleet.Find("web", "eu-1")->error, "");
  EXPECT_TRUE(fleet.state.sources.at(third.repository).rendering);
}

// Not a benchmark: a number to look at.
TEST(Releases, AThousandAgentsCostTensOfMilliseconds) {
  Fleet fleet;
  fleet.AddRepository();
  fleet.Apply(fleet.MakeApplication("web"));
  Folder folder;
  for (int i = 0; i < 100; ++i) folder[absl::StrCat("object-", i)] = std::string(1000, 'x');
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat("c-", i);
    fleet.AddCluster(name);
    folder["own"] = name;
    fleet.content["web"][name] = folder;
    fleet.Connect(name);
  }
  fleet.Commit();
  fleet.Settle();
  for (auto& [name, content] : fleet.content["web"])
    std::get<Folder>(content)["object-7"] = "changed";
  const auto began = std::chrono::steady_clock::now();
  fleet.desired_sent = 0;
  fleet.Commit();
  const auto took = std::chrono::steady_clock::now() - began;
  std::printf(
      "a commit for 1,000 agents, rendering included: %lld ms\n",
      static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  EXPECT_EQ(fleet.desired_sent, 1000);
}

}  // namespace
}  // namespace lockstep
