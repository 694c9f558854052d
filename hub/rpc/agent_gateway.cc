#include "hub/rpc/agent_gateway.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/rpc/delta_encoder.h"
#include "common/rpc/wire.h"
#include "hub/rpc/fetch_reactor.h"
#include "hub/rpc/link_reactor.h"
#include "hub/rpc/outbox.h"
#include "hub/rpc/status.h"

namespace lockstep {
namespace {

// Answers a call that is not let in.
template <typename Reactor>
Reactor* Refused(Reactor* reactor, const absl::Status& status) {
  reactor->Finish(ToGrpc(status));
  return reactor;
}

class RefusedLink : public grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage> {
  void OnDone() override { delete this; }
};

class RefusedFetch : public grpc::ServerWriteReactor<v1::FetchResponse> {
  void OnDone() override { delete this; }
};

// Whether the agent is told to stay away, as opposed to come back soon.
bool IsRefusal(const Goodbye& goodbye) {
  return goodbye.reason == Goodbye::Reason::kRevoked ||
         goodbye.reason == Goodbye::Reason::kVersion ||
         (goodbye.reason == Goodbye::Reason::kBusy && goodbye.retry_after > absl::ZeroDuration());
}

absl::StatusOr<std::vector<Digest>> ReadDigests(const v1::FetchRequest& request) {
  if (static_cast<size_t>(request.digests_size()) > kFetchDigestsMax) {
    return absl::InvalidArgumentError(absl::StrCat("digests: ", request.digests_size(),
                                                   " elements, at most ", kFetchDigestsMax,
                                                   " are allowed; ask in several calls"));
  }
  std::vector<Digest> digests;
  for (const std::string& bytes : request.digests()) {
    LOCKSTEP_ASSIGN_OR_RETURN(digests.emplace_back(), Digest::FromBytes(bytes));
  }
  return digests;
}

}  // namespace

class AgentGateway::Impl : public v1::AgentService::CallbackService, public SessionRegistry {
 public:
  Impl(AgentGatewayParts parts, AgentGatewayLimits limits)
      : parts_(std::move(parts)), limits_(limits) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>* Link(
      grpc::CallbackServerContext* context) override {
    absl::StatusOr<PeerIdentity> peer = ReadAgent(context);
    if (!peer.ok()) return Refused(new RefusedLink, peer.status());
    auto* reactor = new LinkReactor(context, *std::move(peer), &parts_, &limits_, &deltas_, this);
    if (!Add(reactor->outbox())) SayGoodbye(reactor->outbox().get(), absl::Seconds(10));
    reactor->Begin();
    return reactor;
  }

  grpc::ServerWriteReactor<v1::FetchResponse>* Fetch(grpc::CallbackServerContext* context,
                                                     const v1::FetchRequest* request) override {
    absl::StatusOr<PeerIdentity> peer = ReadAgent(context);
    if (!peer.ok()) return Refused(new RefusedFetch, peer.status());
    absl::StatusOr<std::vector<Digest>> digests = ReadDigests(*request);
    if (!digests.ok()) return Refused(new RefusedFetch, digests.status());
    auto* reactor =
        new FetchReactor(*std::move(peer), *std::move(digests), request->offset(), &parts_);
    reactor->Begin();
    return reactor;
  }

  // SessionRegistry.
  void Register(SessionId session, const PeerIdentity& peer,
                std::shared_ptr<Outbox> outbox) override {
    MutexLock lock(&mutex_);
    sessions_[session] = {std::move(outbox), peer.name};
  }

  bool Unregister(SessionId session) override {
    MutexLock lock(&mutex_);
    return sessions_.erase(session) > 0;
  }

  void OnStreamEnd(const std::shared_ptr<Outbox>& outbox) override {
    MutexLock lock(&mutex_);
    streams_.erase(outbox);
  }

  void Send(SessionId session, HubMessage message) {
    if (std::shared_ptr<Outbox> outbox = Find(session).outbox) outbox->Push(std::move(message));
  }

  void Close(SessionId session, std::optional<Goodbye> goodbye) {
    const Session found = Find(session);
    if (found.outbox == nullptr) return;
    Unregister(session);  // No SessionClosed follows.
    if (goodbye.has_value() && IsRefusal(*goodbye)) {
      Log(LogLevel::kWarning, "agent refused",
          {{"cluster", found.cluster}, {"reason", goodbye->message}});
    }
    found.outbox->Close(std::move(goodbye), absl::OkStatus());
  }

  void Shutdown(absl::Duration spread) {
    std::vector<std::shared_ptr<Outbox>> open;
    {
      MutexLock lock(&mutex_);
      shutting_down_ = true;
      open.assign(streams_.begin(), streams_.end());
    }
    for (const std::shared_ptr<Outbox>& outbox : open) {
      const absl::Duration retry = parts_.rng->Between(absl::ZeroDuration(), spread);
      outbox->Close(Goodbye{Goodbye::Reason::kShutdown, retry, "the hub is going down"},
                    absl::OkStatus());
    }
  }

  int open_streams() const {
    MutexLock lock(&mutex_);
    return static_cast<int>(streams_.size());
  }

 private:
  struct Session {
    std::shared_ptr<Outbox> outbox;
    std::string cluster;
  };

  void SayGoodbye(Outbox* outbox, absl::Duration spread) const {
    const absl::Duration retry = parts_.rng->Between(absl::ZeroDuration(), spread);
    outbox->Close(Goodbye{Goodbye::Reason::kShutdown, retry, "the hub is going down"},
                  absl::OkStatus());
  }

  absl::StatusOr<PeerIdentity> ReadAgent(grpc::CallbackServerContext* context) const {
    LOCKSTEP_ASSIGN_OR_RETURN(PeerIdentity peer, parts_.read_peer(*context->auth_context()));
    if (peer.kind != IdentityKind::kCluster) {
      return absl::PermissionDeniedError("this service is for agents; people use FleetService");
    }
    return peer;
  }

  bool Add(std::shared_ptr<Outbox> outbox) {
    MutexLock lock(&mutex_);
    if (!shutting_down_) streams_.insert(std::move(outbox));
    return !shutting_down_;
  }

  Session Find(SessionId session) const {
    MutexLock lock(&mutex_);
    const auto it = sessions_.find(session);
    return it == sessions_.end() ? Session() : it->second;
  }

  // Fixed at construction.
  const AgentGatewayParts parts_;
  const AgentGatewayLimits limits_;

  DeltaEncoder deltas_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  absl::flat_hash_map<SessionId, Session> sessions_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::shared_ptr<Outbox>> streams_
      ABSL_GUARDED_BY(mutex_);  // All, with Hello or without.
  bool shutting_down_ ABSL_GUARDED_BY(mutex_) = false;
};

AgentGateway::AgentGateway(AgentGatewayParts parts, AgentGatewayLimits limits)
    : impl_(std::make_unique<Impl>(std::move(parts), limits)) {}
AgentGateway::~AgentGateway() = default;

grpc::Service* AgentGateway::service() { return impl_.get(); }
void AgentGateway::Send(SessionId session, HubMessage message) {
  impl_->Send(session, std::move(message));
}
void AgentGateway::Close(SessionId session, std::optional<Goodbye> goodbye) {
  impl_->Close(session, std::move(goodbye));
}
void AgentGateway::Shutdown(absl::Duration spread) { impl_->Shutdown(spread); }
int AgentGateway::open_streams() const { return impl_->open_streams(); }

}  // namespace lockstep
