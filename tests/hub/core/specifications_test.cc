// Specifications that change while something of the one before is under way.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/rollup/convert.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// "web" of the repository "fleet" runs on eu-1; "api" of "other" beside it.
struct Changing : Fleet {
  Changing() {
    AddCluster("eu-1");
    AddRepository();
    AddRepository("other");
    Apply(MakeApplication("web"));
    Apply(MakeApplication("api", {}, "other"));
    content["web"]["eu-1"] = Folder{{"a", "1"}, {"b", "1"}};
    content["api"]["eu-1"] = Folder{{"c", "1"}};
    Connect("eu-1");
    Commit();
    Commit("other");
    Settle();
  }

  // A new commit of the repository is there, and its rendering under way.
  effect::StartRender Fetch(const std::string& repository, char digit) {
    Do(command::Sync{{ResourceKind::kGitRepository, "default", repository}}).IgnoreError();
    for (const effect::StartFetch& fetch : std::exchange(fetches, {})) {
      const std::string commit(40, digit);
      Step(event::FetchDone{fetch.repository, event::Fetched{"main@sha1:" + commit, commit, false},
                            fetch.job});
    }
    EXPECT_THAT(renders, SizeIs(1));
    return TakeRender();
  }
  effect::StartRender TakeRender() {
    effect::StartRender render = std::move(renders.at(0));
    renders.erase(renders.begin());
    return render;
  }
  // Changes it without anything being rendered.
  void Edit(Resource resource) {
    command::Apply apply;
    apply.resources.push_back({std::move(resource), std::nullopt, "test.yaml:1", {}});
    ASSERT_OK(Do(std::move(apply)).status());
  }
  Application Moved(const std::string& path) {
    Application web = MakeApplication("web");
    web.spec.path = *PathTemplate::Parse(path);
    return web;
  }
  Digest Assigned(const std::string& application = "web") {
    return Find(application, "eu-1")->assignment.manifest->digest();
  }
  InstanceView View(const std::string& application = "web") {
    return ViewInstance(state, *state.FindApplication(absl::StrCat("shop/", application)), "eu-1",
                        Find(application, "eu-1"));
  }
};

TEST(Specifications, ARenderingOfARepositoryThatAnApplicationLeftIsNotAssigned) {
  Changing fleet;
  const effect::StartRender left = fleet.Fetch("fleet", 'd');
  fleet.Edit(fleet.MakeApplication("web", {}, "other"));
  const Folder there{{"a", "other"}, {"b", "other"}};
  fleet.content["web"]["eu-1"] = there;
  fleet.RenderAll();
  ASSERT_EQ(fleet.Assigned(), MakeManifest(there)->digest());
  fleet.content["web"]["eu-1"] = Folder{{"a", "left"}};
  fleet.Render(left);
  EXPECT_EQ(fleet.Assigned(), MakeManifest(there)->digest());
  fleet.Settle();
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Specifications, WhatTheRepositoryThatItLeftRenderedDoesNotStandForTheNewOne) {
  Changing fleet;
  const effect::StartRender left = fleet.Fetch("fleet", 'd');
  const effect::StartRender without = fleet.Fetch("other", 'e');
  fleet.Edit(fleet.MakeApplication("web", {}, "other"));
  const Digest before = fleet.Assigned();
  fleet.content["web"]["eu-1"] = Folder{{"a", "left"}};
  fleet.Render(left);
  EXPECT_EQ(fleet.Assigned(), before);
  const Folder there{{"a", "other"}, {"b", "other"}};
  fleet.content["web"]["eu-1"] = there;
  fleet.Render(without);
  fleet.RenderAll();
  EXPECT_EQ(fleet.Assigned(), MakeManifest(there)->digest());
}

TEST(Specifications, ARenderingIsNotTakenForAnApplicationThatWasMadeAnew) {
  Changing fleet;
  fleet.Disconnect("eu-1");
  const effect::StartRender left = fleet.Fetch("fleet", 'd');
  const ResourceKey web{ResourceKind::kApplication, "shop", "web"};
  ASSERT_OK(fleet.Do(command::Delete{web, command::Delete::Objects::kOrphan}).status());
  ASSERT_OK(fleet.Do(command::RemoveCluster{"eu-1"}).status());
  fleet.AddCluster("eu-1");
  fleet.Edit(fleet.MakeApplication("web", {}, "other"));
  fleet.content["web"]["eu-1"] = Folder{{"a", "left"}};
  fleet.Render(left);
  ASSERT_NE(fleet.Find("web", "eu-1"), nullptr);
  EXPECT_EQ(fleet.Find("web", "eu-1")->assignment.generation, 0);
}

TEST(Specifications, ARenderingOfAFormerPathIsNotAssigned) {
  Changing fleet;
  const Digest before = fleet.Assigned();
  const effect::StartRender old = fleet.Fetch("fleet", 'd');
  fleet.Edit(fleet.Moved("apps/new"));
  fleet.content["web"]["eu-1"] = Folder{{"a", "old"}};
  fleet.Render(old);
  EXPECT_EQ(fleet.Assigned(), before);
  const Folder there{{"a", "new"}, {"b", "new"}};
  fleet.content["web"]["eu-1"] = there;
  fleet.RenderAll();
  EXPECT_EQ(fleet.Assigned(), MakeManifest(there)->digest());
}

TEST(Specifications, ARenderingWithFormerLabelsIsNotAssigned) {
  Changing fleet;
  fleet.Apply(fleet.Moved("apps/${cluster.labels.env}/${cluster.name}"));
  const Digest before = fleet.Assigned();
  ASSERT_OK(fleet.Do(command::LabelCluster{"eu-1", {{"env", "dev"}}, {}}).status());
  const effect::StartRender old = fleet.TakeRender();
  ASSERT_OK(fleet.Do(command::LabelCluster{"eu-1", {{"env", "prod"}}, {}}).status());
  fleet.content["web"]["eu-1"] = Folder{{"a", "dev"}};
  fleet.Render(old);
  EXPECT_EQ(fleet.Assigned(), before);
}

TEST(Specifications, ARenderingThatLeftOutWhatIsIgnoredNoLongerIsNotAssigned) {
  Changing fleet;
  const Digest before = fleet.Assigned();
  const effect::StartRender old = fleet.Fetch("fleet", 'd');
  GitRepository repository = std::get<GitRepository>(
      *fleet.state.FindResource({ResourceKind::kGitRepository, "default", "fleet"})->resource);
  repository.spec.ignore = "*.md";
  fleet.Edit(repository);
  fleet.content["web"]["eu-1"] = Folder{{"a", "old"}};
  fleet.Render(old);
  EXPECT_EQ(fleet.Assigned(), before);
}

TEST(Specifications, G18WhatAFormerPathClaimedIsNotAssignedLater) {
  Changing fleet;
  fleet.content["api"]["eu-1"] = Folder{{"a", "1"}, {"c", "1"}};
  fleet.Commit("other");
  ASSERT_EQ(fleet.View("api").state, ShownState::kStalled);
  const Digest before = fleet.Assigned("api");
  Application api = fleet.MakeApplication("api", {}, "other");
  api.spec.path = *PathTemplate::Parse("apps/new");
  fleet.Edit(api);
  const std::vector<effect::StartRender> later = std::exchange(fleet.renders, {});
  fleet.content["web"]["eu-1"] = Folder{{"b", "1"}};
  fleet.Commit();
  EXPECT_EQ(fleet.Assigned("api"), before);
  EXPECT_EQ(fleet.View("api").state, ShownState::kProgressing);
  fleet.content["api"]["eu-1"] = Folder{{"d", "1"}};
  for (const effect::StartRender& render : later) fleet.Render(render);
  EXPECT_EQ(fleet.Assigned("api"), MakeManifest({{"d", "1"}})->digest());
}

TEST(Specifications, G21OneThatWasNotRenderedYetIsNotGreen) {
  Changing fleet;
  ASSERT_EQ(fleet.View().state, ShownState::kSynced);
  fleet.Edit(fleet.Moved("apps/new"));
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  fleet.RenderAll();
  fleet.Settle();
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
}

TEST(Specifications, G21OneOfARepositoryThatWasNeverFetchedIsNotGreen) {
  Changing fleet;
  fleet.AddRepository("third");
  fleet.Edit(fleet.MakeApplication("web", {}, "third"));
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  EXPECT_THAT(fleet.View().message, HasSubstr("default/third"));
  fleet.FailFetch(absl::UnavailableError("no route"), "third").IgnoreError();
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  EXPECT_THAT(fleet.View().message, HasSubstr("no route"));
}

TEST(Specifications, G21OneWhoseRepositoryWasMadeAnewIsNotGreenBeforeThatIsRendered) {
  Changing fleet;
  const ResourceKey repository{ResourceKind::kGitRepository, "default", "fleet"};
  ASSERT_OK(fleet.Do(command::Delete{repository}).status());
  fleet.AddRepository();
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  fleet.FailFetch(absl::NotFoundError("no such repository")).IgnoreError();
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  const effect::StartRender render = fleet.Fetch("fleet", 'd');
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  fleet.Render(render);
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
}

TEST(Specifications, G21ASuspendedRepositoryThatWasNeverFetchedSaysSo) {
  Changing fleet;
  GitRepository third;
  third.meta.namespace_ = "default";
  third.meta.name = "third";
  third.spec.url = "https://git.example/third";
  third.spec.suspend = true;
  fleet.Apply(third);
  fleet.Edit(fleet.MakeApplication("web", {}, "third"));
  EXPECT_EQ(fleet.View().state, ShownState::kStalled);
  EXPECT_THAT(fleet.View().message, HasSubstr("suspended"));
}

TEST(Specifications, G21OneWhosePathMayBeMissingIsNotSkippedForWhatItWasBefore) {
  Changing fleet;
  Application none = fleet.MakeApplication("none");
  none.spec.missing_path = MissingPath::kSkip;
  fleet.Apply(none);
  ASSERT_TRUE(fleet.View("none").skipped);
  none.spec.path = *PathTemplate::Parse("apps/some");
  fleet.Edit(none);
  EXPECT_FALSE(fleet.View("none").skipped);
  EXPECT_EQ(fleet.View("none").state, ShownState::kProgressing);
}

TEST(Specifications, G21AnAgentThatIsAskedWhatItHoldsIsNotGreen) {
  Changing fleet;
  fleet.Disconnect("eu-1");
  fleet.Agent("eu-1").applications.clear();
  fleet.Connect("eu-1");
  ASSERT_TRUE(fleet.state.clusters.at("eu-1").session->probing);
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
  fleet.Settle();
  EXPECT_EQ(fleet.View().state, ShownState::kSynced);
}

TEST(Specifications, ANewerCommitDuringARenderingForgetsNothing) {
  Changing fleet;
  const effect::StartRender first = fleet.Fetch("fleet", 'd');
  fleet.Do(command::Sync{{ResourceKind::kGitRepository, "default", "fleet"}}).IgnoreError();
  const std::string newer(40, 'e');
  fleet.Step(event::FetchDone{{"default", "fleet"},
                              event::Fetched{"main@sha1:" + newer, newer, false},
                              fleet.fetches.back().job});
  fleet.Render(first);
  ASSERT_THAT(fleet.renders, SizeIs(1));
  EXPECT_EQ(fleet.renders[0].commit, newer);
  ASSERT_THAT(fleet.renders[0].jobs, SizeIs(1));
  EXPECT_FALSE(fleet.renders[0].jobs[0].previous_input.IsZero());
}

TEST(Specifications, AClusterThatJoinsDuringARenderingHasNoOtherRenderedAgain) {
  Changing fleet;
  const effect::StartRender first = fleet.Fetch("fleet", 'd');
  Cluster joins;
  joins.meta.name = "eu-2";
  fleet.Edit(joins);
  fleet.Render(first);
  effect::StartRender second = fleet.TakeRender();
  if (second.repository.name != "fleet") second = fleet.TakeRender();
  ASSERT_THAT(second.jobs, SizeIs(1));
  EXPECT_EQ(second.jobs[0].cluster->name, "eu-2");
}

// Of the repository "fleet".
v1::GitRepositoryStatus SourceStatus(const Fleet& fleet) {
  const ResourceKey key{ResourceKind::kGitRepository, "default", "fleet"};
  return ToMessage(fleet.state, *fleet.state.FindResource(key), PerCluster::kNo)
      .git_repository()
      .status();
}

GitRepository Fleets() {
  GitRepository repository;
  repository.meta.namespace_ = "default";
  repository.meta.name = "fleet";
  repository.spec.url = "https://git.example/fleet";
  return repository;
}

TEST(Specifications, G21ARepositoryThatMovedIsNotReadyBeforeItWasFetchedThere) {
  for (const bool url : {true, false}) {
    Changing fleet;
    fleet.content["web"]["eu-1"] = Folder{{"a", "2"}, {"b", "1"}};
    const Digest before = fleet.Assigned();
    ASSERT_EQ(SourceStatus(fleet).state(), "Synced");
    GitRepository moved = Fleets();
    (url ? moved.spec.url : moved.spec.ref.branch) = url ? "https://git.example/new" : "next";
    fleet.Edit(moved);
    ASSERT_THAT(fleet.fetches, SizeIs(1)) << "at once";
    const effect::StartFetch fetch = fleet.fetches.back();
    fleet.Restart();
    EXPECT_EQ(SourceStatus(fleet).state(), "Progressing");
    EXPECT_EQ(SourceStatus(fleet).revision(), "");
    EXPECT_FALSE(SourceStatus(fleet).has_last_fetch_time());
    fleet.Connect("eu-1");
    EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
    EXPECT_THAT(fleet.View().message, HasSubstr("was not fetched yet"));
    EXPECT_THAT(fleet.renders, IsEmpty());
    EXPECT_EQ(fleet.Assigned(), before) << "what runs goes on";

    fleet.FailFetch(absl::UnavailableError("no such host")).IgnoreError();
    EXPECT_EQ(SourceStatus(fleet).state(), "Stalled");
    EXPECT_THAT(fleet.View().message, HasSubstr("no such host"));
    fleet.Commit();
    fleet.Settle();
    EXPECT_EQ(SourceStatus(fleet).state(), "Synced");
    EXPECT_EQ(fleet.View().state, ShownState::kSynced);
    EXPECT_NE(fleet.Assigned(), before);
  }
}

TEST(Specifications, G21ARenderingOfThePlaceBeforeIsNotAssigned) {
  Changing fleet;
  const Digest before = fleet.Assigned();
  fleet.content["web"]["eu-1"] = Folder{{"a", "of the place before"}};
  const effect::StartRender render = fleet.Fetch("fleet", 'd');
  GitRepository moved = Fleets();
  moved.spec.url = "https://git.example/new";
  fleet.Edit(moved);
  fleet.Render(render);
  EXPECT_EQ(fleet.Assigned(), before);
  EXPECT_EQ(fleet.View().state, ShownState::kProgressing);
}

}  // namespace
}  // namespace lockstep
