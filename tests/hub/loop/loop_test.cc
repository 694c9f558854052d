#include "hub/loop/loop.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/channel.h"
#include "hub/loop/open_state.h"
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
  void Start(effect::StartFetch fetch) override { started.Send(fetch.repository.ToString()); }
  Channel<std::string> started{100};
};

class NoRenders : public RenderPort {
 public:
  void Start(effect::StartRender) override {}
  void ReadConfig(effect::ReadConfig) override {}
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
                                              .clock = SystemClock()},
                                  std::move(hooks));
    loop->Start();
  }
  absl::StatusOr<ReplyBody> Apply() {
    GitRepository repository;
    repository.meta.namespace_ = "default";
    repository.meta.name = "fleet";
    repository.spec.url = "https://git.example/fleet";
    command::Apply apply;
    apply.resources.push_back({repository, std::nullopt, "test.yaml:1", {}});
    auto answer = std::make_shared<Channel<absl::StatusOr<ReplyBody>>>(1);
    loop->Command("ada", std::move(apply),
                  [answer](absl::StatusOr<ReplyBody> result) { answer->Send(std::move(result)); });
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
  NoRenders renders;
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

TEST(Loop, F07AFullDiskIsSaidAndPasses) {
  Rig rig;
  rig.store.SetFull(true);
  EXPECT_THAT(rig.Apply(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk")));
  rig.store.SetFull(false);
  EXPECT_OK(rig.Apply().status());
}

}  // namespace
}  // namespace lockstep
