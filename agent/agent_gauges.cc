#include "agent/agent_gauges.h"

#include <map>
#include <variant>

#include <absl/strings/ascii.h>

namespace lockstep {
namespace {

constexpr ApplicationState kStates[] = {
    ApplicationState::kProgressing, ApplicationState::kSynced,    ApplicationState::kHeld,
    ApplicationState::kStalled,     ApplicationState::kSuspended, ApplicationState::kDegraded,
    ApplicationState::kReleased,    ApplicationState::kDeleting,
};

absl::string_view CodeName(ApplicationAck::Code code) {
  switch (code) {
    case ApplicationAck::Code::kInvalid:
      return "invalid";
    case ApplicationAck::Code::kStale:
      return "stale";
    case ApplicationAck::Code::kDeleteGuard:
      return "delete_guard";
    case ApplicationAck::Code::kTooLarge:
      return "too_large";
    case ApplicationAck::Code::kNoSpace:
      return "no_space";
    case ApplicationAck::Code::kTransient:
      return "transient";
  }
  return "transient";
}

}  // namespace

void AgentGauges::Count(const ReconcileOutcome& outcome, absl::Duration took) {
  size_t written = 0;
  size_t drifted = 0;
  for (const ReconcileOutcome::Owned& owned : outcome.owned) {
    if (!owned.written) continue;
    ++written;
    if (owned.drifted) ++drifted;
  }
  const bool failed = !outcome.problems.empty() || !outcome.foreign.empty();
  const bool changed = written + outcome.deleted.size() > 0;
  metrics_->reconciles->With(failed ? "failed" : changed ? "changed" : "unchanged").Increment();
  metrics_->reconcile_duration->Observe(took);
  metrics_->writes->With("applied").Increment(static_cast<double>(written));
  metrics_->writes->With("failed").Increment(static_cast<double>(outcome.problems.size()));
  metrics_->deletes->Increment(static_cast<double>(outcome.deleted.size()));
  metrics_->drift_reverted->Increment(static_cast<double>(drifted));
}

void AgentGauges::Count(const AgentMessage& message) {
  const auto* ack = std::get_if<Ack>(&message);
  if (ack == nullptr) return;
  for (const ApplicationAck& refused : ack->refused) {
    metrics_->desired_refused->With(CodeName(refused.code)).Increment();
  }
}

void AgentGauges::Update(const AgentState& state) {
  std::map<ApplicationState, int> by_state;
  size_t objects = 0;
  size_t held = 0;
  for (const auto& [name, application] : state.durable.applications) {
    objects += application.inventory.size();
    if (application.target.held) held += application.target.tombstones.size();
  }
  for (const auto& [name, live] : state.live) ++by_state[live.report.state];
  for (const ApplicationState known : kStates) {
    metrics_->applications->With(absl::AsciiStrToLower(StateName(known))).Set(by_state[known]);
  }
  metrics_->objects->Set(static_cast<double>(objects));
  metrics_->deletes_held->Set(static_cast<double>(held));
  metrics_->hub_behind->Set(state.hub_behind ? 1 : 0);
  const bool connected = state.session.has_value() && state.session->welcomed;
  if (connected && !connected_) metrics_->sessions->Increment();
  connected_ = connected;
  metrics_->connected->Set(connected ? 1 : 0);
  const uint64_t seq = state.durable.agent.desired_seq;
  if (seq > desired_seq_ && desired_seq_ > 0)
    metrics_->desired_received->Increment(static_cast<double>(seq - desired_seq_));
  desired_seq_ = seq;
}

}  // namespace lockstep
