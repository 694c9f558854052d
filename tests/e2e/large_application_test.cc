// One application of 60,000 objects, and lists of as many deletes, from the hub's core to a target
// and back: real loops, stores of both sides, gRPC over mTLS. Only Git and the target are played.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/link/fetcher.h"
#include "agent/link/grpc_link.h"
#include "agent/loop/agent_loop.h"
#include "agent/loop/timers.h"
#include "agent/store/agent_store.h"
#include "common/base/channel.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/rpc/credentials.h"
#include "hub/core/queries.h"
#include "hub/loop/loop.h"
#include "hub/loop/open_state.h"
#include "hub/record/key.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/server.h"
#include "tests/testing/memory_target.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"
#include "tests/testing/test_authority.h"

namespace lockstep {
namespace {

constexpr int kObjects = 60'000;
constexpr char kCluster[] = "eu-1";
constexpr char kName[] = "shop/web";
constexpr absl::Duration kPatience = absl::Minutes(4);

std::string Blob(int number, absl::string_view text) {
  return absl::StrCat(R"({"apiVersion":"v1","data":{"text":")", text,
                      R"("},"kind":"ConfigMap","metadata":{"name":"settings-of-service-)", number,
                      R"(","namespace":"shop"}})");
}

// A repository whose every commit renders to what `text` and `objects` say.
class PlayedGit : public FetchPort, public RenderPort {
 public:
  void Start(effect::StartFetch fetch) override {
    const std::string commit(40, static_cast<char>('a' + commits_++));
    const event::Fetched fetched{"main@sha1:" + commit, commit, false};
    loop->TryPost(event::FetchDone{fetch.repository, fetched, fetch.job});
  }
  void Start(effect::StartRender render) override {
    event::RenderDone done{render.repository, render.revision, {}, {}, render.job};
    std::vector<ManifestEntry> entries;
    std::vector<std::string> files;
    for (int i = 0; i < objects; ++i) {
      std::string blob = Blob(i, text);
      const Digest digest = Digest::Of(blob);
      entries.push_back(
          {{"", "ConfigMap", "shop", absl::StrCat("settings-of-service-", i)}, digest});
      files.push_back("web.yaml");
      done.blobs[digest] = std::make_shared<const std::string>(std::move(blob));
    }
    event::RenderOutcome::Rendered rendered;
    rendered.manifest = *Manifest::Make(std::move(entries));
    rendered.origins = std::make_shared<const Origins>(files);
    done.blobs[rendered.manifest->digest()] =
        std::make_shared<const std::string>(rendered.manifest->Encode());
    done.blobs[rendered.origins->digest()] =
        std::make_shared<const std::string>(rendered.origins->Encode());
    for (const RenderJob& job : render.jobs) {
      done.outcomes.push_back({job.application->meta.Name().ToString(), job.cluster->name,
                               Digest::Of(render.commit), rendered});
    }
    loop->TryPost(std::move(done));
  }
  void ReadConfig(effect::ReadConfig) override {}

  Loop* loop = nullptr;
  int objects = 0;
  std::string text;

 private:
  int commits_ = 0;
};

class LargeApplicationTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-large-"));
    StartHub();
    StartAgent();
  }
  void TearDown() override {
    link_->Stop();
    fetcher_->Stop();
    target_.Stop();
    agent_->Stop();
    timers_.Stop();
    work_.Stop();
    loop_thread_.Stop();
    gateway_->Shutdown(absl::ZeroDuration());
    server_->Stop(absl::Seconds(8));
    loop_->Stop();
    EXPECT_OK(RemoveTree(directory_));
  }

  void StartHub() {
    AgentGatewayParts parts;
    parts.read_peer = ReadPeer;
    parts.new_session = [this] { return loop_->NewSession(); };
    parts.post = [this](Event event) { return loop_->TryPost(std::move(event)); };
    parts.fence = [this](absl::AnyInvocable<void()> done) {
      auto shared = std::make_shared<absl::AnyInvocable<void()>>(std::move(done));
      return loop_->Read([shared](const HubState&) { (*shared)(); });
    };
    parts.may_fetch = [this](const PeerIdentity& peer, std::vector<Digest> digests,
                             AgentGatewayParts::FetchVerdict verdict) {
      auto shared = std::make_shared<AgentGatewayParts::FetchVerdict>(std::move(verdict));
      loop_->Read([peer, digests = std::move(digests), shared](const HubState& state) {
        (*shared)(AllowFetch(state, peer.name, peer.fingerprint, digests));
      });
    };
    parts.read_blob = [this](const Digest& digest) {
      return hub_store_.Get(Family::kBlob, BlobKey(digest));
    };
    parts.pool = &pool_;
    parts.rng = SystemRng();
    gateway_ = std::make_unique<AgentGateway>(std::move(parts), AgentGatewayLimits{});

    LoadOptions options;
    options.now = SystemClock()->Now();
    options.incarnation = std::string(16, 'i');
    Loop::Ports ports;
    ports.store = &hub_store_;
    ports.agents = gateway_.get();
    ports.fetches = &git_;
    ports.renders = &git_;
    ports.clock = SystemClock();
    Loop::Hooks hooks;
    hooks.batch = [this](const Loop::BatchStats&, const HubState& state) { Look(state); };
    loop_ =
        std::make_unique<Loop>(*OpenState(hub_store_, std::move(options)), ports, std::move(hooks));
    git_.loop = loop_.get();
    loop_->Start();

    const TlsMaterial material = authority_.Hub();
    const TlsFiles files{directory_ + "/key", directory_ + "/crt", directory_ + "/ca"};
    ASSERT_OK(WriteFileAtomic(files.key, material.key_pem, Durability::kNone, 0600));
    ASSERT_OK(
        WriteFileAtomic(files.certificate, material.certificate_pem, Durability::kNone, 0600));
    ASSERT_OK(WriteFileAtomic(files.roots, material.roots_pem, Durability::kNone, 0600));
    const auto credentials =
        MakeServerCredentials(files, [](const PeerIdentity&) { return absl::OkStatus(); });
    ASSERT_OK(credentials);
    server_ = std::make_unique<HubServer>(HubServerOptions{
        .address = "127.0.0.1:0", .credentials = *credentials, .services = {gateway_->service()}});
    ASSERT_OK(server_->Start());
  }

  void StartAgent() {
    const TlsMaterial material = authority_.Agent(kCluster);
    AgentIdentity identity{.cluster = kCluster,
                           .key = PrivateKey::FromPem(material.key_pem).value(),
                           .certificate = Certificate::FromPem(material.certificate_pem).value(),
                           .roots = {authority_.certificate()},
                           .hubs = {{"127.0.0.1", static_cast<uint16_t>(server_->port()), 1}}};
    fingerprint_ = identity.certificate.ReadPeer()->fingerprint;
    link_ = std::make_unique<GrpcAgentLink>(GrpcLinkOptions{
        .identity = std::move(identity), .renewal = {}, .clock = SystemClock(), .rng = &rng_});
    fetcher_ = std::make_unique<GrpcBlobFetcher>([this] { return link_->channel(); });
    absl::StatusOr<AgentStore::Opened> opened =
        AgentStore::Open({.directory = directory_ + "/agent"});
    ASSERT_OK(opened);
    agent_store_ = std::move(opened->store);
    AgentLoop::Parts parts;
    parts.storage = agent_store_.get();
    parts.target = &target_;
    parts.link = link_.get();
    parts.fetcher = fetcher_.get();
    parts.clock = SystemClock();
    parts.timers = &timers_;
    parts.loop_runner = &loop_thread_;
    parts.work_runner = &work_;
    parts.facts = {"test", TargetKind::kDirectory, std::string(16, 'm'), {}};
    agent_ = std::make_unique<AgentLoop>(std::move(parts));
    agent_->Start(std::move(opened->state));
  }

  // On the hub's loop: tells when an assignment was carried out.
  void Look(const HubState& state) {
    const auto on = state.clusters.find(kCluster);
    if (on == state.clusters.end()) return;
    const auto instance = on->second.instances.find(kName);
    if (instance == on->second.instances.end() || !instance->second.report.has_value()) return;
    const ApplicationReport& report = *instance->second.report;
    if (instance->second.refusal.has_value()) refused_.TrySend(instance->second.refusal->message);
    if (report.state == ApplicationState::kHeld &&
        report.generation == instance->second.assignment.generation && !told_held_) {
      told_held_ = true;
      held_.TrySend(report.held.size());
    }
    if (report.state != ApplicationState::kSynced || report.generation == told_ ||
        report.generation != instance->second.assignment.generation) {
      return;
    }
    told_ = report.generation;
    synced_.TrySend(report.objects);
  }

  void Do(Loop::Action action) {
    auto answer = std::make_shared<Channel<absl::Status>>(1);
    loop_->Command("ada", std::move(action),
                   [answer](absl::StatusOr<ReplyBody> reply) { answer->TrySend(reply.status()); });
    const std::vector<absl::Status> answers = answer->Drain(1, kPatience);
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_OK(answers[0]);
  }

  void Declare() {
    Cluster cluster;
    cluster.meta.name = kCluster;
    GitRepository repository;
    repository.meta.namespace_ = "default";
    repository.meta.name = "fleet";
    repository.spec.url = "https://git.example/fleet";
    repository.spec.interval = absl::Hours(1);
    Application application;
    application.meta.namespace_ = "shop";
    application.meta.name = "web";
    application.spec.source = {"default", "fleet"};
    application.spec.path = *PathTemplate::Parse("web");
    application.spec.placement.selector = LabelSelector{};
    command::Apply apply;
    for (Resource resource : {Resource(cluster), Resource(repository), Resource(application)})
      apply.resources.push_back({std::move(resource), std::nullopt, "test.yaml:1", {}});
    Do(std::move(apply));
    const Digest token = Digest::Of("token");
    Do(command::CreateJoinToken{kCluster, {}, token});
    Do(command::RedeemToken{token, kCluster, fingerprint_, std::string(16, 'm')});
  }

  // How many objects are there once the newest commit was carried out.
  uint32_t Synced() {
    const std::vector<uint32_t> objects = synced_.Drain(1, kPatience);
    return objects.empty() ? 0 : objects[0];
  }

  const TestAuthority authority_{SystemClock()->Now()};
  std::string directory_;
  Digest fingerprint_;
  SeededRng rng_{1};

  // The hub.
  ModelStore hub_store_{SystemClock()};
  PlayedGit git_;
  ThreadPool pool_{"blobs", 1};
  std::unique_ptr<AgentGateway> gateway_;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<HubServer> server_;
  uint64_t told_ = 0;       // The loop's.
  bool told_held_ = false;  // The loop's.
  Channel<uint32_t> synced_{10};
  Channel<size_t> held_{1};
  Channel<std::string> refused_{10};

  // The agent.
  MemoryTarget target_;
  std::unique_ptr<AgentStore> agent_store_;
  Timers timers_{SystemClock()};
  ThreadPool loop_thread_{"loop", 1};
  ThreadPool work_{"work", 1};
  std::unique_ptr<GrpcAgentLink> link_;
  std::unique_ptr<GrpcBlobFetcher> fetcher_;
  std::unique_ptr<AgentLoop> agent_;
};

TEST_F(LargeApplicationTest, SixtyThousandObjectsArriveChangeAndGoByName) {
  git_.objects = kObjects;
  git_.text = "one";
  Declare();
  link_->Start(agent_.get());
  ASSERT_EQ(Synced(), static_cast<uint32_t>(kObjects));
  EXPECT_EQ(target_.writes(), kObjects);

  git_.objects = kObjects - 3;
  git_.text = "two";
  Do(command::Sync{{ResourceKind::kGitRepository, "default", "fleet"}});
  ASSERT_EQ(Synced(), static_cast<uint32_t>(kObjects - 3));
  EXPECT_EQ(target_.writes(), 2 * kObjects - 3);
  EXPECT_EQ(target_.deletes(), 3);

  // All but one go: the whole list comes to the hub and is approved by its digest.
  git_.objects = 1;
  Do(command::Sync{{ResourceKind::kGitRepository, "default", "fleet"}});
  const std::vector<size_t> held = held_.Drain(1, kPatience);
  ASSERT_THAT(held, testing::ElementsAre(kObjects - 4));
  EXPECT_EQ(target_.deletes(), 3);
  Do(command::ApproveDeletes{.application = {"shop", "web"}});
  ASSERT_EQ(Synced(), 1u);
  EXPECT_EQ(target_.deletes(), kObjects - 1);
  EXPECT_EQ(refused_.Drain(10, absl::ZeroDuration()), std::vector<std::string>());
}

}  // namespace
}  // namespace lockstep
