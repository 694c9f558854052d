#include "hub/loop/loop.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/channel.h"
#include "hub/loop/open_state.h"
#include "hub/record/key.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

class NoAgents : public AgentPort {
 public:
  void Send(SessionId, HubMessage) override {}
  void Close(SessionId, std::optional<Goodbye>) override {}
};

class CountFetches : public FetchPort {
 public:
  void Start(effect::StartFetch fetch) override {
    job = fetch.job;
    started.Send(fetch.repository.ToString());
  }
  std::atomic<uint64_t> job{0};
  Channel<std::string> started{100};
};

class KeepRenders : public RenderPort {
 public:
  void Start(effect::StartRender render) override { started.Send(std::move(render)); }
  void ReadConfig(effect::ReadConfig) override {}
  Channel<effect::StartRender> started{100};
};

// The machine's clock, which somebody sets.
class SetClock : public Clock {
 public:
  absl::Time Now() const override { return SystemClock()->Now() + absl::Hours(ahead.load()); }
  absl::Duration Monotonic() const override { return SystemClock()->Monotonic(); }
  std::atomic<int> ahead{0};
};

// A loop on a store in memory.
struct Rig {
  Rig() { Begin(); }
  ~Rig() { loop->Stop(); }

  void Begin() {
    LoadOptions options;
    options.now = clock.Now();
    options.incarnation = std::string(16, 'i');
    Loop::Hooks hooks;
    hooks.fatal = [this](const absl::Status& status) { fatal.Send(status); };
    loop = std::make_unique<Loop>(*OpenState(store, std::move(options)),
                                  Loop::Ports{.store = &store,
                                              .agents = &agents,
                                              .fetches = &fetches,
                                              .renders = &renders,
                                              .clock = &set_clock},
                                  std::move(hooks));
    loop->Start();
  }
  absl::StatusOr<ReplyBody> Apply(std::vector<Resource> more = {}) {
    GitRepository repository;
    repository.meta.namespace_ = "default";
    repository.meta.name = "fleet";
    repository.spec.url = "https://git.example/fleet";
    command::Apply apply;
    apply.resources.push_back({repository, std::nullopt, "test.yaml:1", {}});
    for (Resource& resource : more)
      apply.resources.push_back({std::move(resource), std::nullopt, "test.yaml:1", {}});
    auto answer = std::make_shared<Channel<absl::StatusOr<ReplyBody>>>(1);
    loop->Command("ada", std::move(apply),
                  [answer](absl::StatusOr<ReplyBody> result) { answer->Send(std::move(result)); });
    return *answer->Receive();
  }
  // shop/web on eu-1.
  Instance Web() {
    auto answer = std::make_shared<Channel<Instance>>(1);
    EXPECT_TRUE(loop->Read([answer](const HubState& state) {
      answer->Send(state.clusters.at("eu-1").instances.at("shop/web"));
    }));
    return *answer->Receive();
  }
  size_t Resources() {
    auto answer = std::make_shared<Channel<size_t>>(1);
    EXPECT_TRUE(
        loop->Read([answer](const HubState& state) { answer->Send(state.resources.size()); }));
    return *answer->Receive();
  }

  ManualClock clock{absl::FromUnixSeconds(1'700'000'000)};
  ModelStore store{&clock};
  NoAgents agents;
  CountFetches fetches;
  KeepRenders renders;
  SetClock set_clock;
  Channel<absl::Status> fatal{1};
  std::unique_ptr<Loop> loop;
};

TEST(Loop, WhatWasAnsweredIsStored) {
  Rig rig;
  ASSERT_OK(rig.Apply().status());
  EXPECT_EQ(rig.fetches.started.Receive(), "default/fleet");
  EXPECT_EQ(rig.Resources(), 1u);
  rig.loop->Stop();
  SeededRng rng(1);
  rig.store.Crash(&rng);
  rig.Begin();
  EXPECT_EQ(rig.Resources(), 1u);
}

TEST(Loop, NothingOfABatchLeavesIfItsAppendFailed) {
  Rig rig;
  EXPECT_EQ(rig.Resources(), 0u);  // The first batch is through.
  rig.store.FailNextAppend();
  EXPECT_THAT(rig.Apply(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
  EXPECT_FALSE(rig.fatal.Receive()->ok());
  rig.fetches.started.Close();
  EXPECT_FALSE(rig.fetches.started.Receive().has_value());
  EXPECT_FALSE(rig.loop->Post(event::Tick{}));
}

TEST(Loop, AStoppedLoopAnswers) {
  Rig rig;
  rig.loop->Stop();
  EXPECT_THAT(rig.Apply(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
  rig.loop->Stop();
}

// Else the append would fail and end the process, which would render the same at its next start.
TEST(Loop, F07ARenderingThatDoesNotFitIsAnErrorOfItsApplicationsAndPasses) {
  Rig rig;
  Cluster cluster;
  cluster.meta.name = "eu-1";
  Application web;
  web.meta.namespace_ = "shop";
  web.meta.name = "web";
  web.spec.source = {"default", "fleet"};
  web.spec.path = *PathTemplate::Parse("web");
  web.spec.placement.clusters = {"eu-1"};
  ASSERT_OK(rig.Apply({cluster, web}).status());
  rig.fetches.started.Receive();
  const std::string commit(40, 'a');
  const NamespacedName fleet{"default", "fleet"};
  rig.loop->Post(
      event::FetchDone{fleet, event::Fetched{"main@sha1:a", commit, false}, rig.fetches.job});
  const effect::StartRender render = *rig.renders.started.Receive();

  const std::string blob(1'000, 'x');
  const Digest digest = Digest::Of(blob);
  event::RenderOutcome::Rendered rendered;
  rendered.manifest = *Manifest::Make({{{"", "ConfigMap", "shop", "a"}, digest}});
  rendered.origins = std::make_shared<const Origins>(std::vector<std::string>{"web/a.yaml"});
  event::RenderDone done{fleet, render.revision, {}, {}, render.job};
  done.outcomes.push_back({"shop/web", "eu-1", Digest::Of("input"), rendered});
  done.blobs[digest] = std::make_shared<const std::string>(blob);
  rig.store.SetRoom(999);
  rig.loop->Post(done);
  const Instance refused = rig.Web();
  ASSERT_THAT(refused.error, HasSubstr("do not fit"));
  EXPECT_EQ(refused.assignment.generation, 0u);
  EXPECT_FALSE(rig.store.Get(Family::kBlob, BlobKey(digest)).ok());

  rig.store.SetRoom(1'000);
  rig.loop->Command("ada", command::Sync{{ResourceKind::kGitRepository, "default", "fleet"}},
                    [](const absl::StatusOr<ReplyBody>&) {});
  rig.fetches.started.Receive();
  rig.loop->Post(
      event::FetchDone{fleet, event::Fetched{"main@sha1:a", commit, false}, rig.fetches.job});
  done.job = rig.renders.started.Receive()->job;
  rig.loop->Post(done);
  EXPECT_EQ(rig.Web().error, "");
  EXPECT_OK(rig.store.Get(Family::kBlob, BlobKey(digest)).status());
}

TEST(Loop, F22AClockThatIsSetMovesWhatIsShownAndNoTimer) {
  for (const int hours : {-24, 24}) {
    Rig rig;
    rig.set_clock.ahead = hours;
    ASSERT_OK(rig.Apply().status());
    rig.fetches.started.Receive();
    rig.loop->Post(event::FetchDone{
        {"default", "fleet"}, absl::UnavailableError("no route"), rig.fetches.job});
    auto seen = std::make_shared<Channel<std::pair<absl::Time, absl::Time>>>(1);
    ASSERT_TRUE(rig.loop->Read([seen](const HubState& state) {
      const ResourceKey key{ResourceKind::kGitRepository, "default", "fleet"};
      seen->Send(
          {state.sources.at(key.Name()).next_due, state.FindResource(key)->meta().creation_time});
    }));
    const auto [due, created] = *seen->Receive();
    EXPECT_LT(absl::AbsDuration(due - rig.clock.Now()), absl::Hours(1));
    EXPECT_LT(absl::AbsDuration(created - rig.set_clock.Now()), absl::Hours(1));
  }
}

TEST(Loop, F07AFullDiskIsSaidAndPasses) {
  Rig rig;
  rig.store.SetFull(true);
  EXPECT_THAT(rig.Apply(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk")));
  rig.store.SetFull(false);
  EXPECT_OK(rig.Apply().status());
}

}  // namespace
}  // namespace lockstep
