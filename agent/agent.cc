#include "agent/agent.h"

#include <cstdlib>
#include <unistd.h>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "agent/agent_gauges.h"
#include "agent/identity/enrol.h"
#include "agent/identity/identity.h"
#include "agent/kube/access.h"
#include "agent/kube/identity_secret.h"
#include "agent/kube/kube_target.h"
#include "agent/kube/own_rights.h"
#include "agent/link/fetcher.h"
#include "agent/link/grpc_link.h"
#include "agent/loop/agent_loop.h"
#include "agent/loop/timers.h"
#include "agent/store/agent_store.h"
#include "agent/target/directory.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "common/credentials/join_token.h"
#include "common/http/status_server.h"

namespace lockstep {
namespace {

constexpr int kWorkThreads = 2;

constexpr absl::string_view kDirectory = "directory:";
constexpr absl::string_view kKubernetes = "kubernetes";

absl::StatusOr<KubeAccess> FindAccess(const AgentConfig& config) {
  if (!config.kubeconfig.empty()) return LoadKubeconfig(config.kubeconfig, config.kube_context);
  const auto variable = [](const char* name) -> absl::string_view {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  absl::StatusOr<KubeAccess> access =
      AccessFromPod(std::string(kPodCredentials), variable("KUBERNETES_SERVICE_HOST"),
                    variable("KUBERNETES_SERVICE_PORT"));
  if (access.ok()) return access;
  return Annotate(access.status(), "without --kubeconfig the agent takes what its pod has");
}

absl::StatusOr<std::unique_ptr<Target>> OpenTarget(const AgentConfig& config) {
  LOCKSTEP_RETURN_IF_ERROR(CheckTarget(config.target));
  if (config.target == kKubernetes) {
    LOCKSTEP_ASSIGN_OR_RETURN(const KubeAccess access, FindAccess(config));
    return std::make_unique<KubeTarget>(access, KubeHttp::Options(), SystemClock());
  }
  DirectoryTarget::Options options;
  options.root = std::string(absl::StripPrefix(config.target, kDirectory));
  return DirectoryTarget::Open(std::move(options));
}

absl::StatusOr<std::unique_ptr<IdentityPlace>> OpenPlace(const AgentConfig& config) {
  if (config.identity_secret.empty()) return std::make_unique<IdentityFile>(config.state_directory);
  if (config.target != kKubernetes) {
    return absl::InvalidArgumentError("--identity-secret goes with --target kubernetes");
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const KubeAccess access, FindAccess(config));
  return std::make_unique<IdentitySecret>(access, config.identity_secret, SystemClock());
}

// More rights than it needs are worth saying; the agent works all the same.
void WarnOfTooManyRights(const AgentConfig& config) {
  if (config.target != kKubernetes) return;
  const absl::StatusOr<KubeAccess> access = FindAccess(config);
  if (!access.ok() || !MayDoEverything(*access, SystemClock()).value_or(false)) return;
  Log(LogLevel::kWarning,
      "the agent's own user may do everything on this cluster; give it the rights of "
      "deploy/kubernetes/agent, and each application an account",
      {{"server", access->server}});
}

absl::StatusOr<AgentIdentity> JoinOrLoad(const AgentConfig& config, const IdentityPlace& place,
                                         absl::string_view target_uid) {
  absl::StatusOr<AgentIdentity> identity = LoadIdentity(place);
  if (!config.join_token.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(const JoinToken token, ParseJoinToken(config.join_token));
    if (!identity.ok() || identity->joined_with != HashTokenSecret(token.secret).ToHex()) {
      LOCKSTEP_ASSIGN_OR_RETURN(AgentIdentity joined,
                                Enrol(config.join_token, place, target_uid, SystemClock()->Now()));
      Log(LogLevel::kInfo, "joined the fleet", {{"cluster", joined.cluster}});
      return joined;
    }
  }
  if (absl::IsNotFound(identity.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("this agent has not joined a hub yet; run `lockstep cluster join-token "
                     "CLUSTER` where the hub's people "
                     "are, and start the agent with --join TOKEN"));
  }
  return identity;
}

// The store failed to write or to sync: what it promises cannot be kept. The supervisor starts the
// agent again, which reads everything anew (FAULTS F-10, F-11).
void EndForGood(const absl::Status& status) {
  Log(LogLevel::kError, "the state cannot be kept; the agent ends", {{"error", status}});
  _exit(1);
}

// Counts what goes through.
class CountedLink : public AgentLink {
 public:
  CountedLink(AgentLink* link, AgentGauges* gauges) : link_(link), gauges_(gauges) {}
  void Start(LinkEvents* events) override { link_->Start(events); }
  void Send(AgentMessage message) override {
    gauges_->Count(message);
    link_->Send(std::move(message));
  }
  void Stop() override { link_->Stop(); }

 private:
  AgentLink* const link_;
  AgentGauges* const gauges_;
};

class CountedFetcher : public BlobFetcher {
 public:
  CountedFetcher(BlobFetcher* fetcher, Counter* bytes) : fetcher_(fetcher), bytes_(bytes) {}
  void Fetch(std::vector<WantedBlob> blobs, OnBlob on_blob, OnDone done) override {
    fetcher_->Fetch(
        std::move(blobs),
        [bytes = bytes_, on_blob = std::move(on_blob)](const Digest& digest, std::string blob) {
          bytes->Increment(static_cast<double>(blob.size()));
          return on_blob(digest, std::move(blob));
        },
        std::move(done));
  }
  void Stop() override { fetcher_->Stop(); }

 private:
  BlobFetcher* const fetcher_;
  Counter* const bytes_;
};

// The link of an agent that only lets go.
class NoLink : public AgentLink, public BlobFetcher {
 public:
  void Start(LinkEvents*) override {}
  void Send(AgentMessage) override {}
  void Fetch(std::vector<WantedBlob>, OnBlob, OnDone done) override {
    done(absl::UnavailableError("no link"));
  }
  void Stop() override {}
};

}  // namespace

absl::Status CheckTarget(absl::string_view text) {
  if (text == kKubernetes ||
      (absl::StartsWith(text, kDirectory) && text.size() > kDirectory.size())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is neither directory:PATH nor kubernetes"));
}

// In the order in which they start; destroyed in reverse.
struct Agent::Impl {
  Impl() { registry.AddProcess(); }

  absl::Status Start(const AgentConfig& config);
  void Stop();

  Clock* const clock = SystemClock();
  MetricRegistry registry;
  AgentMetrics metrics{&registry};
  AgentGauges gauges{&metrics};
  std::unique_ptr<Target> target;
  std::unique_ptr<IdentityPlace> place;
  std::unique_ptr<AgentStore> store;
  Timers timers{clock};
  ThreadPool loop_pool{"loop", 1};
  ThreadPool work_pool{"work", kWorkThreads};
  std::unique_ptr<GrpcAgentLink> link;
  std::unique_ptr<CountedLink> counted_link;
  std::unique_ptr<GrpcBlobFetcher> fetcher;
  std::unique_ptr<CountedFetcher> counted_fetcher;
  std::unique_ptr<AgentLoop> loop;
  std::unique_ptr<StatusServer> status_server;
};

absl::Status Agent::Impl::Start(const AgentConfig& config) {
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(config.state_directory, 0700));
  LOCKSTEP_ASSIGN_OR_RETURN(target, OpenTarget(config));
  LOCKSTEP_ASSIGN_OR_RETURN(place, OpenPlace(config));
  AgentStore::Options store_options;
  store_options.directory = config.state_directory;
  LOCKSTEP_ASSIGN_OR_RETURN(AgentStore::Opened opened, AgentStore::Open(std::move(store_options)));
  store = std::move(opened.store);
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string uid, target->Uid());
  LOCKSTEP_ASSIGN_OR_RETURN(AgentIdentity identity, JoinOrLoad(config, *place, uid));
  WarnOfTooManyRights(config);
  const std::string cluster = identity.cluster;
  AgentRecord& record = opened.state.agent;
  if (AdoptIdentity(identity.joined_with, identity.roots.front().Fingerprint(), &record)) {
    LOCKSTEP_RETURN_IF_ERROR(store->Write({.records = {record}, .blobs = {}, .synced = true}));
  }
  if (record.removed) {
    return absl::FailedPreconditionError(
        "this agent's cluster was removed from the fleet, or released here; join it again with a "
        "new token, or remove "
        "its --state directory");
  }

  GrpcLinkOptions link_options{.identity = std::move(identity),
                               .renewal = IdentityIn(place.get(), clock),
                               .clock = clock,
                               .rng = SystemRng()};
  link = std::make_unique<GrpcAgentLink>(std::move(link_options));
  counted_link = std::make_unique<CountedLink>(link.get(), &gauges);
  fetcher = std::make_unique<GrpcBlobFetcher>([this] { return link->channel(); });
  counted_fetcher = std::make_unique<CountedFetcher>(fetcher.get(), metrics.blob_bytes_fetched);

  AgentLoop::Parts parts;
  parts.storage = store.get();
  parts.target = target.get();
  parts.link = counted_link.get();
  parts.fetcher = counted_fetcher.get();
  parts.clock = clock;
  parts.timers = &timers;
  parts.loop_runner = &loop_pool;
  parts.work_runner = &work_pool;
  parts.facts = {.version = LOCKSTEP_VERSION, .target = target->kind(), .target_uid = uid};
  parts.seed = SystemRng()->Next();
  parts.after_step = [this](const AgentState& state) { gauges.Update(state); };
  parts.after_run = [this](const ReconcileOutcome& outcome, absl::Duration took) {
    gauges.Count(outcome, took);
  };
  parts.on_broken = EndForGood;
  parts.on_stop = [](const std::string& reason, const absl::Status&) {
    Log(LogLevel::kWarning, "the agent's work is over; it keeps nothing right any more",
        {{"reason", reason}});
  };
  loop = std::make_unique<AgentLoop>(std::move(parts));
  if (!config.metrics_listen.empty()) {
    StatusServer::Pages pages;
    pages.metrics = [this] {
      metrics.certificate_expiry->Set(
          static_cast<double>(absl::ToUnixSeconds(link->certificate_end())));
      metrics.store_bytes->Set(static_cast<double>(store->bytes()));
      return registry.Text();
    };
    pages.ready = [] { return absl::OkStatus(); };
    LOCKSTEP_ASSIGN_OR_RETURN(status_server,
                              StatusServer::Start(config.metrics_listen, std::move(pages)));
  }
  loop->Start(std::move(opened.state));
  link->Start(loop.get());
  Log(LogLevel::kInfo, "agent started",
      {{"version", LOCKSTEP_VERSION}, {"cluster", cluster}, {"target", config.target}});
  return absl::OkStatus();
}

void Agent::Impl::Stop() {
  if (status_server != nullptr) status_server->Stop();
  if (link != nullptr) link->Stop();
  if (fetcher != nullptr) fetcher->Stop();
  if (target != nullptr) target->Stop();
  if (loop != nullptr) loop->Stop();
  timers.Stop();
  work_pool.Stop();
  loop_pool.Stop();
}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentConfig& config) {
  auto impl = std::make_unique<Impl>();
  if (absl::Status started = impl->Start(config); !started.ok()) {
    impl->Stop();
    return started;
  }
  return std::unique_ptr<Agent>(new Agent(std::move(impl)));
}

Agent::Agent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Agent::~Agent() { Stop(); }

int Agent::metrics_port() const {
  return impl_->status_server == nullptr ? 0 : impl_->status_server->port();
}
void Agent::Stop() { impl_->Stop(); }

absl::Status ReleaseEverything(const AgentConfig& config) {
  LOCKSTEP_ASSIGN_OR_RETURN(const auto place, OpenPlace(config));
  if (absl::Status identity = LoadIdentity(*place).status(); !identity.ok()) {
    return Annotate(identity,
                    absl::StrCat("there is no agent in \"", config.state_directory, "\""));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const auto target, OpenTarget(config));
  AgentStore::Options options;
  options.directory = config.state_directory;
  LOCKSTEP_ASSIGN_OR_RETURN(AgentStore::Opened opened, AgentStore::Open(std::move(options)));
  NoLink nowhere;
  Timers timers(SystemClock());
  ThreadPool pool("loop", 1);
  Channel<absl::Status> stopped(1);
  AgentLoop::Parts parts;
  parts.storage = opened.store.get();
  parts.target = target.get();
  parts.link = &nowhere;
  parts.fetcher = &nowhere;
  parts.clock = SystemClock();
  parts.timers = &timers;
  parts.loop_runner = &pool;
  parts.work_runner = &pool;
  parts.on_stop = [&](const std::string&, const absl::Status& kept) { stopped.TrySend(kept); };
  AgentLoop loop(std::move(parts));
  loop.Start(std::move(opened.state));
  loop.Post(agent_event::ReleaseAll{});
  const absl::Status kept = stopped.Receive().value_or(absl::OkStatus());
  target->Stop();
  loop.Stop();
  return Annotate(kept,
                  "writing down that nothing is kept right any more; the agent would go on "
                  "after its next start");
}

}  // namespace lockstep
