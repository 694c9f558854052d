#include "hub/rpc/link_reactor.h"

#include <chrono>
#include <type_traits>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/rpc/wire.h"
#include "hub/rpc/status.h"

namespace lockstep {
namespace {

std::chrono::system_clock::time_point After(absl::Duration duration) {
  return absl::ToChronoTime(SystemClock()->Now() + duration);
}

// Runs `then` on the outbox when the alarm rings; an alarm that goes with its stream does not ring.
void SetAlarm(grpc::Alarm* alarm, absl::Duration after, std::shared_ptr<Outbox> outbox,
              void (*then)(Outbox*)) {
  alarm->Set(After(after), [outbox = std::move(outbox), then](bool rings) {
    if (rings) then(outbox.get());
  });
}

}  // namespace

LinkReactor::LinkReactor(grpc::CallbackServerContext* context, PeerIdentity peer,
                         const AgentGatewayParts* parts, const AgentGatewayLimits* limits,
                         DeltaEncoder* deltas, SessionRegistry* registry)
    : context_(context),
      peer_(std::move(peer)),
      parts_(parts),
      limits_(limits),
      registry_(registry),
      outbox_(std::make_shared<Outbox>(this, deltas)),
      session_name_(RandomBytes(16)) {}

LinkReactor::~LinkReactor() = default;

void LinkReactor::Begin() {
  SetAlarm(&hello_alarm_, limits_->hello, outbox_, [](Outbox* outbox) {
    outbox->Close(std::nullopt, absl::DeadlineExceededError("no Hello came in time"));
  });
  outbox_->StartReading();
}

void LinkReactor::OnReadDone(bool ok) {
  if (!ok) {
    outbox_->Close(std::nullopt, absl::OkStatus());  // The agent is done, or gone.
    return;
  }
  const size_t bytes = wire_.ByteSizeLong();
  absl::StatusOr<std::optional<AgentMessage>> message = ReadWire();
  wire_.Clear();
  if (message.ok()) {
    if (message->has_value()) Take(**std::move(message));
  } else if (session_ == 0 || !absl::IsUnimplemented(message.status())) {
    return Refuse(message.status());
  }
  ReadOn(bytes);
}

// Nothing where it is part of something that is still to come.
absl::StatusOr<std::optional<AgentMessage>> LinkReactor::ReadWire() {
  if (wire_.has_key_list_part() && session_ != 0) {
    LOCKSTEP_RETURN_IF_ERROR(lists_.Take(wire_.key_list_part()));
    return std::nullopt;
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::optional<AgentMessage> message, FromWire(wire_, lists_));
  if (wire_.has_status()) lists_.Clear();
  return message;
}

void LinkReactor::Take(AgentMessage message) {
  if (auto* hello = std::get_if<Hello>(&message)) return Greet(std::move(*hello));
  if (session_ == 0)
    return Refuse(absl::FailedPreconditionError("the first message must be Hello"));
  if (auto* request = std::get_if<CertificateRequest>(&message)) return Renew(std::move(*request));

  event::AgentSaid said{.session = session_};
  std::visit(
      [&said](auto& own) {
        using Own = std::decay_t<decltype(own)>;
        if constexpr (!std::is_same_v<Own, Hello> && !std::is_same_v<Own, CertificateRequest>) {
          said.message = std::move(own);
        }
      },
      message);
  if (!parts_->post(Event(std::move(said)))) CloseBusy();
}

void LinkReactor::Greet(Hello hello) {
  if (session_ != 0) return Refuse(absl::FailedPreconditionError("a second Hello on one stream"));
  hello_alarm_.Cancel();
  session_ = parts_->new_session();
  registry_->Register(session_, peer_, outbox_);
  event::AgentHello event;
  event.session = session_;
  event.session_name = session_name_;
  event.cluster = peer_.name;
  event.fingerprint = peer_.fingerprint;
  event.hello = std::move(hello);
  if (!parts_->post(Event(std::move(event)))) CloseBusy();
}

// A read that is not needed now waits in the transport's window, so that an agent that talks faster
// than the loop listens is slowed down instead of filling the loop's queue.
void LinkReactor::ReadOn(size_t bytes) {
  unread_bytes_ += bytes;
  ++unread_messages_;
  if (unread_bytes_ < limits_->unread_bytes && unread_messages_ < limits_->unread_messages) {
    return outbox_->StartReading();
  }
  unread_bytes_ = 0;
  unread_messages_ = 0;
  if (!parts_->fence([outbox = outbox_] { outbox->StartReading(); })) CloseBusy();
}

void LinkReactor::Renew(CertificateRequest request) {
  parts_->issue(peer_, session_name_, std::move(request),
                [outbox = outbox_, cluster = peer_.name](absl::StatusOr<CertificateIssued> issued) {
                  if (issued.ok()) return outbox->Push(*std::move(issued));
                  Log(LogLevel::kWarning, "agent's certificate not renewed",
                      {{"cluster", cluster}, {"error", issued.status()}});
                  if (absl::IsUnavailable(issued.status())) return;  // It asks again.
                  outbox->Close(std::nullopt, issued.status());
                });
}

void LinkReactor::Refuse(const absl::Status& status) {
  Log(LogLevel::kWarning, "agent's message refused", {{"cluster", peer_.name}, {"error", status}});
  outbox_->Close(std::nullopt, status);
}

void LinkReactor::CloseBusy() {
  const absl::Duration retry = parts_->rng->Between(absl::Seconds(1), absl::Seconds(10));
  outbox_->Close(Goodbye{Goodbye::Reason::kBusy, retry, "the hub has too much to do"},
                 absl::ResourceExhaustedError("the hub has too much to do"));
}

void LinkReactor::OnWriteDone(bool ok) { outbox_->OnWriteDone(ok); }

void LinkReactor::OnDone() {
  // Where the loop is full this is lost, and the core finds out by the beats that do not come.
  if (session_ != 0 && registry_->Unregister(session_)) {
    parts_->post(Event(event::SessionClosed{session_}));
  }
  registry_->OnStreamEnd(outbox_);
  delete this;
}

void LinkReactor::StartReading() {
  if (!std::exchange(let_in_, true)) StartSendInitialMetadata();  // Tells the agent.
  StartRead(&wire_);
}
void LinkReactor::StartWriting(const v1::HubMessage* wire) { StartWrite(wire); }
void LinkReactor::FinishWith(const absl::Status& status) { Finish(ToGrpc(status)); }
void LinkReactor::EndSoon() {
  SetAlarm(&farewell_alarm_, limits_->farewell, outbox_,
           [](Outbox* outbox) { outbox->BreakIfOpen(); });
}
void LinkReactor::Break() { context_->TryCancel(); }

}  // namespace lockstep
