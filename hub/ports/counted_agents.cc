#include "hub/ports/counted_agents.h"

#include <utility>
#include <variant>

namespace lockstep {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

absl::string_view KindOf(const HubMessage& message) {
  return std::visit(
      Overloaded{[](const Welcome&) { return "welcome"; }, [](const Desired&) { return "desired"; },
                 [](const StatusAck&) { return "status_ack"; },
                 [](const Command&) { return "command"; }, [](const Goodbye&) { return "goodbye"; },
                 [](const CertificateIssued&) { return "certificate"; }},
      message);
}

absl::string_view ReasonName(Goodbye::Reason reason) {
  switch (reason) {
    case Goodbye::Reason::kShutdown:
      return "shutdown";
    case Goodbye::Reason::kReplaced:
      return "replaced";
    case Goodbye::Reason::kRemoved:
      return "removed";
    case Goodbye::Reason::kRevoked:
      return "revoked";
    case Goodbye::Reason::kBusy:
      return "busy";
    case Goodbye::Reason::kVersion:
      return "version";
  }
  return "busy";
}

}  // namespace

void CountedAgents::Send(SessionId session, HubMessage message) {
  metrics_->messages_sent->With(KindOf(message)).Increment();
  agents_->Send(session, std::move(message));
}

void CountedAgents::Close(SessionId session, std::optional<Goodbye> goodbye) {
  if (goodbye.has_value()) {
    metrics_->messages_sent->With("goodbye").Increment();
    metrics_->agent_sessions_ended->With(ReasonName(goodbye->reason)).Increment();
  }
  agents_->Close(session, std::move(goodbye));
}

void CountedAgents::Count(const Event& event) {
  if (std::holds_alternative<event::AgentHello>(event)) {
    metrics_->agent_sessions->Increment();
    metrics_->messages_received->With("hello").Increment();
  } else if (std::holds_alternative<event::SessionClosed>(event)) {
    metrics_->agent_sessions_ended->With("lost").Increment();
  } else if (const auto* said = std::get_if<event::AgentSaid>(&event)) {
    metrics_->messages_received
        ->With(std::visit(
            Overloaded{[](const Ack&) { return "ack"; },
                       [](const StatusReport&) { return "status"; },
                       [](const Beat&) { return "beat"; }, [](const Pages&) { return "pages"; }},
            said->message))
        .Increment();
    if (const auto* status = std::get_if<StatusReport>(&said->message)) {
      metrics_->drift_reverted->Increment(static_cast<double>(status->drifts.size()));
    }
  }
}

}  // namespace lockstep
