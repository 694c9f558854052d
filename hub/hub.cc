#include "hub/hub.h"

#include <atomic>
#include <unistd.h>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"
#include "common/http/status_server.h"
#include "common/render/parse_cache.h"
#include "hub/core/queries.h"
#include "hub/identity/enrolment_server.h"
#include "hub/identity/hub_identity.h"
#include "hub/identity/users.h"
#include "hub/loop/loop.h"
#include "hub/loop/open_state.h"
#include "hub/metrics/hub_metrics.h"
#include "hub/ports/config_source.h"
#include "hub/ports/counted_agents.h"
#include "hub/ports/housekeeping.h"
#include "hub/ports/hub_gauges.h"
#include "hub/ports/identity_port.h"
#include "hub/ports/render_port.h"
#include "hub/ports/source_port.h"
#include "hub/record/key.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/server.h"
#include "hub/secrets/lost.h"
#include "hub/secrets/sealed.h"
#include "hub/store/rocks_store.h"

namespace lockstep {
namespace {

constexpr int kFetchThreads = 4;
constexpr int kRenderThreads = 2;
constexpr int kServiceThreads = 4;
constexpr size_t kParseCacheBytes = 256 << 20;
constexpr absl::Duration kMaintenanceInterval = absl::Minutes(1);
constexpr absl::Duration kDrain = absl::Seconds(8);
constexpr absl::Duration kShutdownSpread = absl::Seconds(2);

// An append failed: what was promised cannot be kept. The supervisor starts the hub again, which
// reads everything anew (FAULTS F-10, F-11, M6).
void EndForGood(const absl::Status& status) {
  Log(LogLevel::kError, "the store failed; the hub ends", {{"error", status.message()}});
  _exit(1);
}

absl::StatusOr<std::pair<std::string, uint16_t>> ParseListen(absl::string_view text) {
  LOCKSTEP_ASSIGN_OR_RETURN(const HubAddress address, ParseHubAddress(text));
  return std::make_pair(address.host, address.port);
}

}  // namespace

std::string StorePath(absl::string_view data_directory) {
  return absl::StrCat(data_directory, "/store");
}
std::string SecretKeyPath(absl::string_view data_directory) {
  return absl::StrCat(data_directory, "/keys/secrets.key");
}

// In the order in which they start; destroyed in reverse.
struct Hub::Impl {
  explicit Impl(HubIdentity of_hub, SecretBox secret_box, std::string data_directory)
      : identity(std::move(of_hub)),
        box(std::move(secret_box)),
        users(absl::StrCat(data_directory, "/users")) {
    registry.AddProcess();
  }

  absl::Status Start(const HubConfig& config);
  absl::Status StartGit(const HubConfig& config);
  absl::Status StartLoop(const HubConfig& config);
  absl::Status StartServices(const HubConfig& config);
  AgentGatewayParts GatewayParts();
  FleetServiceParts ServiceParts();
  void Maintain();
  void Stop();

  Clock* const clock = SystemClock();
  HubIdentity identity;  // After Start the maintenance thread's.
  const SecretBox box;
  const UserDirectory users;
  RevokedKeys revoked;
  MetricRegistry registry;
  HubMetrics metrics{&registry};
  std::unique_ptr<RocksStore> store;
  std::unique_ptr<GitSource> source;
  ParseCache parse_cache{kParseCacheBytes};
  ThreadPool fetch_pool{"fetch", kFetchThreads};
  ThreadPool render_pool{"render", kRenderThreads};
  ThreadPool service_pool{"service", kServiceThreads};
  std::unique_ptr<SourcePort> source_port;
  std::unique_ptr<PoolRenderPort> render_port;
  RevocationPort revocations{&revoked};
  std::unique_ptr<AgentGateway> gateway;
  std::unique_ptr<CountedAgents> agents;
  std::unique_ptr<FleetService> fleet;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<EnrolmentPort> enrolment_port;
  std::unique_ptr<HubServer> server;
  std::unique_ptr<EnrolmentServer> enrolment;
  std::unique_ptr<StatusServer> status_server;
  std::unique_ptr<HubGauges> gauges;
  std::atomic<bool> stopping{false};  // The maintenance thread ends.
  Wakeup maintenance_wakeup;
  Thread maintenance;
};

absl::Status Hub::Impl::StartGit(const HubConfig& config) {
  GitSource::Options options;
  options.directory = absl::StrCat(config.data_directory, "/mirrors");
  LOCKSTEP_ASSIGN_OR_RETURN(options.allowed, AllowedSources::Parse(config.allow_sources));
  if (!config.config_url.empty()) {
    // The operator named it: that is its permission (RESOURCES, From Git).
    std::vector<std::string> patterns = config.allow_sources;
    patterns.push_back(config.config_url);
    LOCKSTEP_ASSIGN_OR_RETURN(options.allowed, AllowedSources::Parse(patterns));
  }
  options.limits = config.fetch_limits;
  options.clock = clock;
  source = std::make_unique<GitSource>(std::move(options));
  return source->Start();
}

absl::Status Hub::Impl::StartLoop(const HubConfig& config) {
  HubSettings settings;
  settings.version = LOCKSTEP_VERSION;
  if (!config.config_url.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(ConfigureSource(
        {config.config_url, config.config_branch, config.config_credentials}, box, &settings));
  }
  source_port = std::make_unique<SourcePort>(
      SourcePort::Parts{source.get(), &box, &fetch_pool, &metrics, clock});
  render_port = std::make_unique<PoolRenderPort>(
      PoolRenderPort::Parts{source_port.get(), &parse_cache, store.get(), &render_pool, &metrics,
                            clock, config.config_path});
  gateway = std::make_unique<AgentGateway>(GatewayParts(), AgentGatewayLimits());
  agents = std::make_unique<CountedAgents>(gateway.get(), &metrics);
  fleet = std::make_unique<FleetService>(ServiceParts());
  LOCKSTEP_ASSIGN_OR_RETURN(HubState state, OpenState(*store, {.settings = std::move(settings),
                                                               .now = clock->Now(),
                                                               .incarnation = RandomBytes(16)}));
  for (const LostSecret& lost : FindLostSecrets(state, &box)) {
    Log(LogLevel::kError, "the key does not open a Secret; restore the key, or apply it again",
        {{"secret", lost.key.ToString()}, {"needed_by", absl::StrJoin(lost.needed_by, ", ")}});
  }
  LOCKSTEP_RETURN_IF_ERROR(SweepStore(store.get(), state, clock->Now()));
  LOCKSTEP_RETURN_IF_ERROR(source->KeepOnly(MirrorsOf(state)));
  source_port->Remember(state);
  std::vector<Digest> revoked_keys;
  for (const auto& [fingerprint, when] : state.revoked) revoked_keys.push_back(fingerprint);
  revocations.Revoke(std::move(revoked_keys));
  gauges =
      std::make_unique<HubGauges>(&metrics, store.get(), StorePath(config.data_directory), clock);
  Loop::Ports ports;
  ports.store = store.get();
  ports.agents = agents.get();
  ports.fetches = source_port.get();
  ports.renders = render_port.get();
  ports.watch = fleet.get();
  ports.keys = &revocations;
  ports.clock = clock;
  Loop::Hooks hooks;
  hooks.batch = [this](const Loop::BatchStats& stats, const HubState& now) {
    gauges->Update(stats, now);
  };
  hooks.fatal = EndForGood;
  loop = std::make_unique<Loop>(std::move(state), ports, std::move(hooks));
  source_port->set_loop(loop.get());
  render_port->set_loop(loop.get());
  enrolment_port = std::make_unique<EnrolmentPort>(loop.get(), &metrics);
  LOCKSTEP_RETURN_IF_ERROR(fleet->Start());
  loop->Start();
  return absl::OkStatus();
}

AgentGatewayParts Hub::Impl::GatewayParts() {
  AgentGatewayParts parts;
  parts.read_peer = ReadPeer;
  parts.new_session = [this] { return loop->NewSession(); };
  parts.post = [this](Event event) {
    agents->Count(event);
    return loop->TryPost(std::move(event));
  };
  parts.fence = [this](absl::AnyInvocable<void()> done) {
    auto shared = std::make_shared<absl::AnyInvocable<void()>>(std::move(done));
    return loop->Read([shared](const HubState&) { (*shared)(); });
  };
  parts.may_fetch = [this](const PeerIdentity& peer, std::vector<Digest> digests,
                           AgentGatewayParts::FetchVerdict verdict) {
    auto shared = std::make_shared<AgentGatewayParts::FetchVerdict>(std::move(verdict));
    const bool taken =
        loop->Read([this, peer, digests = std::move(digests), shared](const HubState& state) {
          auto documents = AllowFetch(state, peer.name, peer.fingerprint, digests);
          if (documents.ok()) {
            for (const auto& [digest, bytes] : *documents)
              metrics.blob_bytes_served->Increment(static_cast<double>(bytes->size()));
          }
          (*shared)(std::move(documents));
        });
    if (!taken) (*shared)(absl::UnavailableError("the hub is busy or ends; try again"));
  };
  parts.issue = [this](const PeerIdentity& peer, absl::string_view session,
                       CertificateRequest request, AgentGatewayParts::Issued issued) {
    service_pool.Run([this, peer, session = std::string(session), request = std::move(request),
                      issued = std::move(issued)]() mutable {
      metrics.certificates_issued->Increment();
      metrics.messages_received->With("certificate").Increment();
      metrics.messages_sent->With("certificate").Increment();
      issued(RenewAgent(identity.authority(), peer, request, session, clock->Now()));
    });
  };
  parts.read_blob = [this](const Digest& digest) {
    absl::StatusOr<std::string> blob = store->Get(Family::kBlob, BlobKey(digest));
    if (blob.ok()) metrics.blob_bytes_served->Increment(static_cast<double>(blob->size()));
    return blob;
  };
  parts.pool = &service_pool;
  parts.rng = SystemRng();
  return parts;
}

FleetServiceParts Hub::Impl::ServiceParts() {
  FleetServiceParts parts;
  parts.read_peer = ReadPeer;
  parts.check_user = [this](const PeerIdentity& peer) { return users.Check(peer); };
  parts.command = [this](std::string by, Loop::Action action, Loop::Done done) {
    loop->Command(std::move(by), std::move(action),
                  [this, done = std::move(done)](absl::StatusOr<ReplyBody> reply) mutable {
                    const std::string code = absl::StatusCodeToString(reply.status().code());
                    metrics.api_commands->With(absl::AsciiStrToLower(code)).Increment();
                    done(std::move(reply));
                  });
  };
  parts.read = [this](Loop::Reader reader) { return loop->Read(std::move(reader)); };
  parts.seal = [this](const ResourceKey& key, const SecretData& data) {
    return SealSecret(box, key, data);
  };
  parts.new_token = [this](absl::string_view cluster) {
    const JoinToken token = identity.NewJoinToken(cluster);
    return FreshToken{FormatJoinToken(token), HashTokenSecret(token.secret)};
  };
  parts.find_revision = [this](const effect::StartFetch& fetch, absl::string_view revision) {
    return source_port->FindRevision(fetch, revision);
  };
  parts.store = store.get();
  parts.snapshots = source_port.get();
  parts.parse_cache = &parse_cache;
  parts.pool = &service_pool;
  parts.clock = clock;
  parts.version = LOCKSTEP_VERSION;
  return parts;
}

absl::Status Hub::Impl::StartServices(const HubConfig& config) {
  HubServerOptions options;
  options.address = config.listen;
  LOCKSTEP_ASSIGN_OR_RETURN(
      options.credentials,
      MakeServerCredentials(identity.Files(), MakeHubPeerCheck(&revoked, &users)));
  options.services = {gateway->service(), fleet->service()};
  server = std::make_unique<HubServer>(std::move(options));
  LOCKSTEP_RETURN_IF_ERROR(server->Start());

  EnrolmentOptions enrolment_options;
  LOCKSTEP_ASSIGN_OR_RETURN(const auto listen, ParseListen(config.enrolment_listen));
  enrolment_options.listen_host = listen.first;
  enrolment_options.listen_port = listen.second;
  LOCKSTEP_ASSIGN_OR_RETURN(enrolment_options.material, identity.Material());
  LOCKSTEP_ASSIGN_OR_RETURN(
      enrolment, EnrolmentServer::Start(std::move(enrolment_options), identity.authority(),
                                        enrolment_port.get(), clock));
  StatusServer::Pages pages;
  pages.metrics = [this] { return registry.Text(); };
  pages.ready = [] { return absl::OkStatus(); };
  LOCKSTEP_ASSIGN_OR_RETURN(status_server,
                            StatusServer::Start(config.metrics_listen, std::move(pages)));
  return absl::OkStatus();
}

absl::Status Hub::Impl::Start(const HubConfig& config) {
  if (const absl::StatusOr<bool> renewed = identity.RenewIfDue(clock->Now()); !renewed.ok())
    return renewed.status();
  RocksOptions options;
  options.clock = clock;
  LOCKSTEP_ASSIGN_OR_RETURN(store, RocksStore::Open(StorePath(config.data_directory), options));
  LOCKSTEP_RETURN_IF_ERROR(StartGit(config));
  LOCKSTEP_RETURN_IF_ERROR(StartLoop(config));
  LOCKSTEP_RETURN_IF_ERROR(StartServices(config));
  maintenance = Thread("maintenance", [this] {
    while (!stopping) {
      if (!maintenance_wakeup.Wait(kMaintenanceInterval) && !stopping) Maintain();
    }
  });
  return absl::OkStatus();
}

void Hub::Impl::Maintain() {
  const absl::StatusOr<bool> renewed = identity.RenewIfDue(clock->Now());
  if (!renewed.ok()) {
    Log(LogLevel::kError, "renewing the hub's certificate failed",
        {{"error", renewed.status().message()}});
    return;
  }
  if (!*renewed) return;
  Log(LogLevel::kInfo, "hub certificate renewed", {{"until", identity.certificate().not_after()}});
  const absl::StatusOr<TlsMaterial> material = identity.Material();
  const absl::Status used = material.ok() ? enrolment->UseMaterial(*material) : material.status();
  if (!used.ok())
    Log(LogLevel::kError, "using the renewed certificate failed", {{"error", used.message()}});
}

void Hub::Impl::Stop() {
  stopping = true;
  maintenance_wakeup.Wake();
  maintenance.Join();
  if (status_server != nullptr) status_server->Stop();
  if (enrolment != nullptr) enrolment->Stop();
  if (fleet != nullptr) fleet->Stop();
  if (gateway != nullptr) gateway->Shutdown(kShutdownSpread);
  if (server != nullptr) server->Stop(kDrain);
  if (source != nullptr) source->Stop();
  fetch_pool.Stop();
  render_pool.Stop();
  if (loop != nullptr) loop->Stop();
  service_pool.Stop();
}

absl::StatusOr<std::unique_ptr<Hub>> Hub::Start(const HubConfig& config) {
  LOCKSTEP_ASSIGN_OR_RETURN(HubIdentity identity, HubIdentity::Load(config.data_directory));
  LOCKSTEP_ASSIGN_OR_RETURN(SecretBox box, SecretBox::Open(SecretKeyPath(config.data_directory)));
  auto impl = std::make_unique<Impl>(std::move(identity), std::move(box), config.data_directory);
  if (absl::Status started = impl->Start(config); !started.ok()) {
    impl->Stop();
    return started;
  }
  std::unique_ptr<Hub> hub(new Hub(std::move(impl)));
  Log(LogLevel::kInfo, "hub started",
      {{"version", LOCKSTEP_VERSION},
       {"port", hub->port()},
       {"enrolment_port", hub->enrolment_port()},
       {"metrics_port", hub->metrics_port()}});
  return hub;
}

Hub::Hub(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Hub::~Hub() { Stop(); }

int Hub::port() const { return impl_->server->port(); }
int Hub::enrolment_port() const { return impl_->enrolment->port(); }
int Hub::metrics_port() const { return impl_->status_server->port(); }
void Hub::Stop() { impl_->Stop(); }

}  // namespace lockstep
