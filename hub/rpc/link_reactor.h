#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/agent.pb.h"

#include "common/bundle/link.h"
#include "common/credentials/identity.h"
#include "common/rpc/key_lists.h"
#include "hub/core/event.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/outbox.h"

namespace lockstep {

/// Where a stream says that it became a session, and that it ended. The gateway.
class SessionRegistry {
 public:
  virtual ~SessionRegistry() = default;
  virtual void Register(SessionId session, const PeerIdentity& peer,
                        std::shared_ptr<Outbox> outbox) = 0;
  /// Whether it was still registered: nobody closed it from this side.
  virtual bool Unregister(SessionId session) = 0;
  virtual void OnStreamEnd(const std::shared_ptr<Outbox>& outbox) = 0;
};

/// One agent's Link stream: turns what comes into events, and drives the outbox's writes. gRPC
/// frees it by OnDone; all others hold only its outbox.
class LinkReactor : public grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>,
                    public Outbox::Stream {
 public:
  /// `parts`, `limits`, `deltas` and `registry` outlive the stream.
  LinkReactor(grpc::CallbackServerContext* context, PeerIdentity peer,
              const AgentGatewayParts* parts, const AgentGatewayLimits* limits,
              DeltaEncoder* deltas, SessionRegistry* registry);
  ~LinkReactor() override;

  /// Begins to read. Not in the constructor, since reactions may begin at once.
  void Begin();
  const std::shared_ptr<Outbox>& outbox() const { return outbox_; }

  // Reactions.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;

  // Outbox::Stream.
  void StartReading() override;
  void StartWriting(const v1::HubMessage* wire) override;
  void FinishWith(const absl::Status& status) override;
  void EndSoon() override;
  void Break() override;

 private:
  void Greet(Hello hello);
  void Take(AgentMessage message);
  absl::StatusOr<std::optional<AgentMessage>> ReadWire();
  void ReadOn(size_t bytes);
  void Renew(CertificateRequest request);
  void Refuse(const absl::Status& status);
  void CloseBusy();

  // Fixed at construction.
  grpc::CallbackServerContext* const context_;  // gRPC's; valid until OnDone.
  const PeerIdentity peer_;
  const AgentGatewayParts* const parts_;
  const AgentGatewayLimits* const limits_;
  SessionRegistry* const registry_;
  const std::shared_ptr<Outbox> outbox_;
  const std::string session_name_;

  // The reactions' alone: gRPC runs one read reaction at a time, OnDone last.
  v1::AgentMessage wire_;
  KeyLists lists_;         // For the next Status.
  SessionId session_ = 0;  // 0 before Hello.
  size_t unread_bytes_ = 0;
  int unread_messages_ = 0;

  grpc::Alarm hello_alarm_;

  // Under the outbox's lock.
  grpc::Alarm farewell_alarm_;
  bool let_in_ = false;
};

}  // namespace lockstep
