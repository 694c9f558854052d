// What people declare, by hand and from Git.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/core/sources.h"
#include "hub/rollup/convert.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Resources, ApplyIsAllOrNothing) {
  Fleet fleet;
  fleet.AddRepository();
  Application web = fleet.MakeApplication("web");
  GitRepository config;
  config.meta.namespace_ = "lockstep-system";
  config.meta.name = "config";
  EXPECT_THAT(fleet.TryApply({web, config}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("test.yaml:1")));
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
}

TEST(Resources, TheSameAgainChangesNothing) {
  Fleet fleet;
  fleet.AddRepository();
  fleet.Apply(fleet.MakeApplication("web"));
  const auto before = fleet.records;
  fleet.Apply(fleet.MakeApplication("web"));
  EXPECT_EQ(fleet.records, before);
}

TEST(Resources, GenerationCountsChangesOfTheSpecification) {
  Fleet fleet;
  fleet.AddRepository();
  Application web = fleet.MakeApplication("web");
  fleet.Apply(web);
  const Meta first = fleet.state.FindApplication("shop/web")->meta();
  web.meta.labels["team"] = "checkout";
  fleet.Apply(web);
  EXPECT_EQ(fleet.state.FindApplication("shop/web")->meta().generation, 1);
  web.spec.prune = false;
  fleet.Apply(web);
  EXPECT_EQ(fleet.state.FindApplication("shop/web")->meta().generation, 2);
  EXPECT_EQ(fleet.state.FindApplication("shop/web")->meta().uid, first.uid);
  EXPECT_THAT(first.uid, SizeIs(36));
}

TEST(Resources, AChangeOfLabelsPlacesAndRendersAnew) {
  Fleet fleet;
  fleet.AddCluster("eu-1");
  fleet.AddRepository();
  Application web = fleet.MakeApplication("web");
  web.spec.placement.selector = LabelSelector{{{"env", "prod"}}, {}};
  fleet.Apply(web);
  fleet.content["web"]["eu-1"] = Folder{{"a", "1"}};
  fleet.Commit();
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
  fleet.AddCluster("eu-1", {{"env", "prod"}});
  ASSERT_NE(fleet.Find("web", "eu-1"), nullptr);
  EXPECT_EQ(fleet.Find("web", "eu-1")->assignment.generation, 1)
      << "a cluster without an agent gets its release";
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).state,
            ShownState::kPending);
  ASSERT_OK(fleet.Do(command::LabelCluster{"eu-1", {}, {"env"}}).status());
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr) << "no agent ever knew of it";
}

TEST(Resources, ANamedClusterThatIsNotThereIsPending) {
  Fleet fleet;
  fleet.AddRepository();
  fleet.Apply(fleet.MakeApplication("web", {"nowhere"}));
  const ApplicationView view =
      ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web"));
  EXPECT_EQ(view.clusters, 1);
  EXPECT_EQ(view.state, ShownState::kPending);
}

TEST(Resources, WithoutItsRepositoryAnApplicationIsStalledAndRunsOn) {
  Fleet fleet;
  fleet.AddCluster("eu-1");
  fleet.AddRepository();
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.content["web"]["eu-1"] = Folder{{"a", "1"}};
  fleet.Connect("eu-1");
  fleet.Commit();
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kGitRepository, "default", "fleet"}}).status());
  fleet.Settle();
  const ApplicationView view =
      ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web"));
  EXPECT_EQ(view.reason, "SourceNotFound");
  EXPECT_THAT(fleet.Agent("eu-1").applications, SizeIs(1));
}

TEST(Resources, ASuspendedRepositoryIsNotFetched) {
  Fleet fleet;
  fleet.AddRepository();
  fleet.Commit();
  const ResourceKey key{ResourceKind::kGitRepository, "default", "fleet"};
  ASSERT_OK(fleet.Do(command::Suspend{key, ""}).status());
  fleet.fetches.clear();
  fleet.Tick(absl::Minutes(10));
  EXPECT_THAT(fleet.fetches, IsEmpty());
  EXPECT_THAT(fleet.Do(command::Sync{key}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("resume")));
  ASSERT_OK(fleet.Do(command::Resume{key}).status());
  EXPECT_THAT(fleet.fetches, SizeIs(1));
}

TEST(Resources, ResumingNamesThePlaceThatStillSuspends) {
  Fleet fleet;
  fleet.AddRepository();
  Application web = fleet.MakeApplication("web");
  web.spec.suspend = true;
  fleet.Apply(web);
  ASSERT_OK_AND_ASSIGN(const ReplyBody body,
                       fleet.Do(command::Resume{{ResourceKind::kApplication, "shop", "web"}}));
  EXPECT_THAT(std::get<reply::Resumed>(body).still_suspended_by, HasSubstr("spec.suspend"));
}

TEST(Resources, TheAuditLogSaysWhoDidWhat) {
  Fleet fleet;
  fleet.AddRepository();
  for (const auto& [place, value] : fleet.records) {
    if (place.first != Family::kEvent) continue;
    ASSERT_OK_AND_ASSIGN(const AuditEvent event, DecodeEvent(value));
    EXPECT_EQ(event.by, "ada");
    EXPECT_EQ(event.time, fleet.now);
  }
}

TEST(Resources, SecretsShowNamesAndSizesOnly) {
  Fleet fleet;
  Secret secret;
  secret.meta.namespace_ = "default";
  secret.meta.name = "git";
  command::Apply apply;
  apply.resources.push_back(
      {secret,
       SealedSecret{"sealed bytes", {{"password", 12}}, Digest::Of("content")},
       "test.yaml:1",
       {}});
  ASSERT_OK(fleet.Do(apply).status());
  fleet.Restart();
  const ResourceState* stored = fleet.state.FindResource({ResourceKind::kSecret, "default", "git"});
  ASSERT_NE(stored, nullptr);
  EXPECT_EQ(stored->secret->sealed, "sealed bytes");
  const v1::Resource shown = ToMessage(fleet.state, *stored, PerCluster::kNo);
  EXPECT_EQ(shown.secret().data_size(), 0);
  EXPECT_EQ(shown.secret().status().keys(0).name(), "password");
  EXPECT_THAT(shown.SerializeAsString(), testing::Not(HasSubstr("sealed bytes")));
}

// A hub whose resources come from Git.
struct FromGit : Fleet {
  FromGit() {
    state.settings.has_config_repository = true;
    state.settings.config_repository.meta.namespace_ = "lockstep-system";
    state.settings.config_repository.meta.name = "config";
    state.settings.config_repository.spec.url = "https://git.example/config";
    state.sources[ConfigRepositoryName()];
  }
  void Read(std::vector<Resource> resources,
            std::vector<event::ConfigRead::FileError> errors = {}) {
    event::ConfigRead read;
    read.revision = "main@sha1:abc";
    for (Resource& resource : resources) {
      const std::string file = absl::StrCat(MetaOf(resource).name, ".yaml");
      read.resources.push_back({std::move(resource), std::nullopt, file, {}});
    }
    read.errors = std::move(errors);
    SourceState& source = state.sources.at(ConfigRepositoryName());
    source.rendering = true;
    read.job = ++source.render_job;
    Step(read);
  }
  void CannotRead(const absl::Status& why) {
    event::ConfigRead read;
    read.revision = "main@sha1:abc";
    read.whole = why;
    SourceState& source = state.sources.at(ConfigRepositoryName());
    source.rendering = true;
    read.job = ++source.render_job;
    Step(read);
  }
  std::vector<Resource> Applications(int count) {
    std::vector<Resource> resources;
    for (int i = 0; i < count; ++i) resources.push_back(MakeApplication(absl::StrCat("app-", i)));
    return resources;
  }
};

TEST(FromGit, DeclaresAndNamesThePlaceToChange) {
  FromGit fleet;
  fleet.Read(fleet.Applications(1));
  EXPECT_EQ(fleet.state.FindApplication("shop/app-0")->author, "main@sha1:abc");
  EXPECT_THAT(fleet.TryApply({fleet.MakeApplication("app-0")}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("app-0.yaml")));
  EXPECT_THAT(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "app-0"}}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("app-0.yaml")));
}

TEST(FromGit, ARevisionWithAnErrorDeletesNothingAndTheRestCounts) {
  FromGit fleet;
  fleet.Read(fleet.Applications(2));
  std::vector<Resource> next = fleet.Applications(3);
  next.erase(next.begin());
  fleet.Read(std::move(next), {{"other.yaml", "3:1: unknown field"}});
  EXPECT_NE(fleet.state.FindApplication("shop/app-0"), nullptr);
  EXPECT_NE(fleet.state.FindApplication("shop/app-2"), nullptr);
  EXPECT_THAT(fleet.state.config.errors, Contains(HasSubstr("other.yaml:3:1")));
}

TEST(FromGit, NothingAtAllDeletesNothing) {
  FromGit fleet;
  fleet.Read(fleet.Applications(2));
  fleet.Read({});
  EXPECT_FALSE(fleet.state.FindApplication("shop/app-0")->going);
}

TEST(FromGit, WhatVanishesGoesAndManyAtOnceWait) {
  FromGit fleet;
  fleet.Read(fleet.Applications(10));
  fleet.Read(fleet.Applications(9));
  EXPECT_EQ(fleet.state.FindApplication("shop/app-9"), nullptr);
  fleet.Read(fleet.Applications(2));
  EXPECT_NE(fleet.state.FindApplication("shop/app-5"), nullptr);
  EXPECT_THAT(fleet.state.config.vanished, SizeIs(7));
  ASSERT_OK(fleet.Do(command::ApproveConfig{}).status());
  EXPECT_EQ(fleet.state.FindApplication("shop/app-5"), nullptr);
  EXPECT_NE(fleet.state.FindApplication("shop/app-1"), nullptr);
}

const v1::GitRepositoryStatus ShownStatus(const HubState& state) {
  return ConfigRepositoryMessage(state).git_repository().status();
}

TEST(FromGit, IsReadyOnlyWhereEverythingOfItCounts) {
  FromGit fleet;
  SourceState& source = fleet.state.sources.at(ConfigRepositoryName());
  source.commit = "abc";
  fleet.Read(fleet.Applications(10));
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).status(), "True");

  fleet.Read(fleet.Applications(2));
  EXPECT_EQ(ShownStatus(fleet.state).state(), "Held");
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).status(), "False");
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).reason(), "ConfigHeld");
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).message(),
            "8 resources vanished from it; kept until `lockstep approve --config`: Application "
            "shop/app-2; Application shop/app-3; Application shop/app-4 (and 5 more)");

  std::vector<event::ConfigRead::FileError> errors;
  for (const char* file : {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}) {
    errors.push_back({file, "3:1: spec.foo: unknown field"});
  }
  fleet.Read(fleet.Applications(5), errors);
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).reason(), "ConfigErrors");
  EXPECT_EQ(ShownStatus(fleet.state).conditions(0).message(),
            "4 errors: a.yaml:3:1: spec.foo: unknown field; b.yaml:3:1: spec.foo: unknown field; "
            "c.yaml:3:1: spec.foo: unknown field (and 1 more); 5 resources vanished from it; kept "
            "until `lockstep approve --config`: Application shop/app-5; Application "
            "shop/app-6; Application shop/app-7 (and 2 more)");
  ASSERT_OK(fleet.Do(command::ApproveConfig{}).status());
  EXPECT_NE(fleet.state.FindApplication("shop/app-4"), nullptr) << "it was there again";
}

TEST(FromGit, WhatIsDeclaredAgainIsNotApprovedAwayWhateverElseIsWrong) {
  FromGit fleet;
  fleet.Read(fleet.Applications(10));
  fleet.Read(fleet.Applications(2));
  ASSERT_THAT(fleet.state.config.vanished, SizeIs(8));
  fleet.Read(fleet.Applications(8), {{"app-8.yaml", "1: no YAML"}});
  EXPECT_THAT(fleet.state.config.vanished, SizeIs(1));
  ASSERT_OK(fleet.Do(command::ApproveConfig{}).status());
  EXPECT_NE(fleet.state.FindApplication("shop/app-7"), nullptr);
  EXPECT_NE(fleet.state.FindApplication("shop/app-8"), nullptr);
  EXPECT_EQ(fleet.state.FindApplication("shop/app-9"), nullptr);
}

TEST(FromGit, WhatIsStillGoingIsMadeOnceItIsGone) {
  FromGit fleet;
  fleet.AddCluster("eu-1");
  fleet.Read(fleet.Applications(10));
  SourceState& source = fleet.state.sources[ConfigRepositoryName()];
  source.commit = source.rendered = std::string(40, 'a');
  fleet.state.resources.at({ResourceKind::kApplication, "shop", "app-9"}).going = true;
  fleet.Read(fleet.Applications(10));
  ASSERT_THAT(fleet.state.config.errors, ElementsAre(HasSubstr("still going")));
  source.rendering = false;
  ASSERT_OK(fleet.Do(command::RemoveCluster{"eu-1"}).status());  // The last that held it.
  EXPECT_EQ(fleet.state.FindApplication("shop/app-9"), nullptr);
  EXPECT_TRUE(source.rendering);
}

TEST(FromGit, AClusterThatVanishesStays) {
  FromGit fleet;
  Cluster cluster;
  cluster.meta.name = "eu-1";
  cluster.meta.labels = {{"env", "prod"}};
  std::vector<Resource> resources = fleet.Applications(1);
  resources.push_back(cluster);
  fleet.Read(resources);
  EXPECT_THAT(fleet.Do(command::LabelCluster{"eu-1", {{"a", "b"}}, {}}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("eu-1.yaml")));
  fleet.Read(fleet.Applications(1));
  const ResourceState* stays = fleet.state.FindResource({ResourceKind::kCluster, "", "eu-1"});
  ASSERT_NE(stays, nullptr);
  EXPECT_FALSE(stays->from_git);
  EXPECT_EQ(stays->meta().labels.at("env"), "prod");
  EXPECT_OK(fleet.Do(command::LabelCluster{"eu-1", {{"a", "b"}}, {}}).status());
}

TEST(FromGit, ItsOwnRepositoryIsRefusedAndTheRestCounts) {
  FromGit fleet;
  GitRepository itself;
  itself.meta.namespace_ = "lockstep-system";
  itself.meta.name = "config";
  itself.spec.url = "https://git.example/another";
  std::vector<Resource> resources = fleet.Applications(1);
  resources.emplace_back(itself);
  fleet.Read(resources);
  EXPECT_NE(fleet.state.FindApplication("shop/app-0"), nullptr);
  EXPECT_EQ(fleet.state.FindResource({ResourceKind::kGitRepository, "lockstep-system", "config"}),
            nullptr);
  EXPECT_THAT(fleet.state.config.errors,
              ElementsAre(AllOf(HasSubstr("config.yaml"), HasSubstr("choose another"))));
  fleet.Read(fleet.Applications(1));
  EXPECT_TRUE(fleet.state.sources.contains(ConfigRepositoryName()));
}

TEST(FromGit, F59WhatCouldNotBeOpenedIsReadAgainAfterTheNextFetch) {
  FromGit fleet;
  SourceState& source = fleet.state.sources.at(ConfigRepositoryName());
  source.commit = source.rendering_commit = std::string(40, 'a');
  fleet.Read(fleet.Applications(2));
  ASSERT_EQ(source.rendered, source.commit);
  source.rendered.clear();
  fleet.CannotRead(absl::NotFoundError("it was not fetched yet"));
  EXPECT_EQ(source.rendered, "");
  EXPECT_FALSE(source.rendering) << "it is read again at once, for ever";
  EXPECT_THAT(fleet.state.config.errors, ElementsAre("it was not fetched yet"));
  EXPECT_NE(fleet.state.FindApplication("shop/app-1"), nullptr);
  source.fetching = true;
  fleet.Step(event::FetchDone{ConfigRepositoryName(),
                              event::Fetched{"main@sha1:a", source.commit, false},
                              source.fetch_job});
  EXPECT_TRUE(source.rendering);
}

TEST(FromGit, WhatNoFetchMendsIsReadOnce) {
  FromGit fleet;
  SourceState& source = fleet.state.sources.at(ConfigRepositoryName());
  source.commit = source.rendering_commit = std::string(40, 'a');
  fleet.CannotRead(absl::InvalidArgumentError("\"hub\" holds no .yaml, .yml or .json file"));
  EXPECT_EQ(source.rendered, source.commit);
}

TEST(FromGit, SecretsAreRefused) {
  FromGit fleet;
  Secret secret;
  secret.meta.namespace_ = "default";
  secret.meta.name = "git";
  fleet.Read({secret});
  EXPECT_EQ(fleet.state.FindResource({ResourceKind::kSecret, "default", "git"}), nullptr);
  EXPECT_THAT(fleet.state.config.errors, Contains(HasSubstr("does not belong in Git")));
}

}  // namespace
}  // namespace lockstep
