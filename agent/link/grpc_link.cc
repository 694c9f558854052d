#include "agent/link/grpc_link.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <absl/strings/str_cat.h>
#include <grpcpp/grpcpp.h>

#include "agent/identity/enrol.h"
#include "agent/link/session.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/rpc/credentials.h"
#include "common/rpc/wire.h"

namespace lockstep {
namespace {

constexpr size_t kStackBytes = 256 << 10;
absl::Duration RenewalPause(Rng* rng) { return rng->Between(absl::Minutes(1), absl::Minutes(5)); }
// How long the thread looks away at most: the wall clock, by which certificates end, may jump.
constexpr absl::Duration kGlance = absl::Minutes(1);

grpc::ChannelArguments LinkArguments(const Keepalive& keepalive) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kWireBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kWireBytesMax));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(keepalive.silence)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(keepalive.answer)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 << 10);
  // Every attempt is a channel of its own: when to try again is for ReconnectDelay alone to say.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

}  // namespace

LinkIdentity IdentityIn(const IdentityPlace* place, const Clock* clock) {
  return {
      .accept =
          [place, clock](const AgentIdentity& identity, const CertificateIssued& issued) {
            return AcceptCertificate(*place, identity, issued, clock->Now());
          },
      .renew_after_expiry =
          [place, clock](const AgentIdentity& identity) {
            return RenewAfterExpiry(*place, identity, clock->Now());
          },
  };
}

// Called on gRPC's threads, one call at a time.
class GrpcAgentLink::Listener : public LinkSession::Listener {
 public:
  explicit Listener(GrpcAgentLink* link) : link_(link) {}

  void OnOpen() override {
    link_->events_->OnLinkUp();
    MutexLock lock(&link_->mutex_);
    link_->present_->open = true;
    link_->present_->news = true;
    link_->wakeup_.Wake();
  }

  void OnMessage(HubMessage message) override {
    if (ConcernsLink(message)) {
      MutexLock lock(&link_->mutex_);
      Present& present = *link_->present_;
      present.news = true;
      link_->wakeup_.Wake();
      if (auto* issued = std::get_if<CertificateIssued>(&message)) {
        present.issued = std::move(*issued);
        return;
      }
      if (const auto* welcome = std::get_if<Welcome>(&message)) present.welcome = *welcome;
      if (const auto* goodbye = std::get_if<Goodbye>(&message)) present.goodbye = *goodbye;
    }
    link_->events_->OnMessage(std::move(message));
  }

  void OnClosed(const absl::Status& status) override {
    MutexLock lock(&link_->mutex_);
    link_->present_->status = status;
    link_->present_->closed = true;
    link_->present_->news = true;
    link_->wakeup_.Wake();
  }

 private:
  // All else is for the loop alone, and the link's thread is left asleep.
  static bool ConcernsLink(const HubMessage& message) {
    return std::holds_alternative<CertificateIssued>(message) ||
           std::holds_alternative<Welcome>(message) || std::holds_alternative<Goodbye>(message);
  }

  GrpcAgentLink* const link_;
};

GrpcAgentLink::GrpcAgentLink(GrpcLinkOptions options)
    : renewal_(std::move(options.renewal)),
      connect_(options.connect),
      keepalive_(options.keepalive),
      clock_(options.clock),
      rng_(options.rng),
      identity_(std::move(options.identity)),
      renew_at_(RenewalTime(identity_.certificate, rng_)),
      certificate_end_(identity_.certificate.not_after()) {}

GrpcAgentLink::~GrpcAgentLink() { Stop(); }

void GrpcAgentLink::Start(LinkEvents* events) {
  events_ = events;
  thread_ = Thread(
      "link", [this] { Run(); }, kStackBytes);
}

void GrpcAgentLink::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  wakeup_.Wake();
  thread_.Join();
}

void GrpcAgentLink::Send(AgentMessage message) {
  std::shared_ptr<LinkSession> session;
  {
    MutexLock lock(&mutex_);
    if (present_) session = present_->session;
  }
  if (session != nullptr) session->Send(std::move(message));
}

std::shared_ptr<grpc::Channel> GrpcAgentLink::channel() const {
  MutexLock lock(&mutex_);
  return present_ && present_->open ? present_->channel : nullptr;
}

absl::Time GrpcAgentLink::certificate_end() const {
  MutexLock lock(&mutex_);
  return certificate_end_;
}

// The thread: one attempt after another.
void GrpcAgentLink::Run() {
  LinkEnd end;
  size_t hub = 0;
  absl::Duration delay = absl::ZeroDuration();
  while (Pause(delay)) {
    const std::string target = identity_.hubs[hub % identity_.hubs.size()].Target();
    const absl::StatusOr<Present> stream = RunStream(target, end.failures);
    const bool welcomed = stream.ok() && stream->welcome.has_value();
    if (welcomed) end.spread = stream->welcome->spread;
    end.failures = welcomed ? 0 : end.failures + 1;
    end.goodbye = stream.ok() ? stream->goodbye : std::nullopt;
    if (!welcomed) ++hub;
    delay = ReconnectDelay(end, rng_);
    end.status = stream.ok() ? stream->status : stream.status();
    const absl::Status refusal = RefusalOf(end);
    if (!refusal.ok()) {
      Log(LogLevel::kError, "the hub refuses this agent; what runs is kept right without it",
          {{"hub", target}, {"error", refusal}, {"retry_in", delay}});
      continue;
    }
    Log(LogLevel::kWarning,
        welcomed                  ? "link to the hub ended"
        : end.goodbye.has_value() ? "the hub does not let this agent in now"
                                  : "hub not reached",
        {{"hub", target},
         {"error", end.status},
         {"reason", end.goodbye.has_value() ? end.goodbye->message : ""},
         {"retry_in", delay}});
  }
}

// From the attempt to connect to the stream's end.
absl::StatusOr<GrpcAgentLink::Present> GrpcAgentLink::RunStream(const std::string& target,
                                                                int failures) {
  RenewIfDue(failures);
  LOCKSTEP_ASSIGN_OR_RETURN(std::shared_ptr<grpc::ChannelCredentials> credentials,
                            MakeHubChannelCredentials(identity_.Material()));
  Listener listener(this);
  Present begin;
  begin.channel = grpc::CreateCustomChannel(target, credentials, LinkArguments(keepalive_));
  begin.session = std::make_shared<LinkSession>(begin.channel, &listener);
  const std::shared_ptr<LinkSession> session = begin.session;
  {
    MutexLock lock(&mutex_);
    present_ = std::move(begin);
  }
  session->Start();
  AwaitEnd(session);
  Present end;
  {
    MutexLock lock(&mutex_);
    end = *std::exchange(present_, std::nullopt);
  }
  if (end.open) events_->OnLinkDown();
  return end;
}

// Whether a certificate is still good is for the hub's clock to say, which may differ from this
// one: a renewal that fails, or that looks expired here, keeps nothing from connecting. A hub that
// refuses a key does so in the handshake, without a word; asked for a renewal it says why.
void GrpcAgentLink::RenewIfDue(int failures) {
  if (renewal_.renew_after_expiry == nullptr) return;
  const absl::Time now = clock_->Now();
  if (!identity_.ExpiredAt(now) && !MayBeExpired(failures, now, renew_at_) && !AsksWhy(failures)) {
    return;
  }
  absl::StatusOr<AgentIdentity> renewed = renewal_.renew_after_expiry(identity_);
  if (absl::IsPermissionDenied(renewed.status())) {
    Log(LogLevel::kError, "the hub refuses this agent; what runs is kept right without it",
        {{"error", renewed.status()}});
    return;
  }
  if (!renewed.ok()) {
    Log(LogLevel::kWarning, "renewing the certificate failed; trying the one that is there",
        {{"error", renewed.status()}});
    return;
  }
  identity_ = *std::move(renewed);
  NoteCertificate();
  Log(LogLevel::kInfo, "certificate renewed before connecting",
      {{"not_after", identity_.certificate.not_after()}});
}

void GrpcAgentLink::NoteCertificate() {
  // Not at once again where this machine's clock is ahead of the hub's.
  renew_at_ =
      std::max(RenewalTime(identity_.certificate, rng_), clock_->Now() + RenewalPause(rng_));
  MutexLock lock(&mutex_);
  certificate_end_ = identity_.certificate.not_after();
}

// Does what is due while the stream lives; returns when it is closed.
void GrpcAgentLink::AwaitEnd(const std::shared_ptr<LinkSession>& session) {
  const absl::Duration connect_by = clock_->Monotonic() + connect_;
  while (true) {
    bool cancel = false;
    std::string session_name;
    std::optional<CertificateIssued> issued;
    absl::Duration wait = connect_by - clock_->Monotonic();
    {
      MutexLock lock(&mutex_);
      // Before the Welcome there is nothing to renew over.
      if (present_->open) wait = kGlance;
      if (present_->welcome) wait = std::min(wait, renew_at_ - clock_->Now());
      if (stopping_ || present_->news) wait = absl::ZeroDuration();
    }
    wakeup_.Wait(wait);
    {
      MutexLock lock(&mutex_);
      present_->news = false;
      if (present_->closed) return;
      cancel = stopping_ || (!present_->open && clock_->Monotonic() >= connect_by);
      issued = std::exchange(present_->issued, std::nullopt);
      if (present_->welcome) session_name = present_->welcome->session;
    }
    if (cancel) {
      session->Cancel();
      MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&present_->closed));
      return;
    }
    if (issued) TakeCertificate(*issued);
    if (!session_name.empty() && clock_->Now() >= renew_at_) {
      AskForCertificate(session.get(), session_name);
    }
  }
}

void GrpcAgentLink::AskForCertificate(LinkSession* session, absl::string_view session_name) {
  renew_at_ = clock_->Now() + RenewalPause(rng_);  // Where no answer comes.
  session->Send(MakeCertificateRequest(identity_, session_name));
}

void GrpcAgentLink::TakeCertificate(const CertificateIssued& issued) {
  absl::StatusOr<AgentIdentity> identity = renewal_.accept(identity_, issued);
  if (!identity.ok()) {
    Log(LogLevel::kError, "hub's new certificate refused", {{"error", identity.status()}});
    return;
  }
  identity_ = *std::move(identity);
  NoteCertificate();
  Log(LogLevel::kInfo, "certificate renewed", {{"not_after", identity_.certificate.not_after()}});
}

bool GrpcAgentLink::Pause(absl::Duration delay) {
  const absl::Duration until = clock_->Monotonic() + delay;
  while (true) {
    {
      MutexLock lock(&mutex_);
      if (stopping_) return false;
    }
    if (!wakeup_.Wait(until - clock_->Monotonic())) return true;
  }
}

}  // namespace lockstep
