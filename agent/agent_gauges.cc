#include "agent/agent_gauges.h"

#include <map>

#include <absl/strings/ascii.h>

namespace lockstep {
namespace {

constexpr ApplicationState kStates[] = {
    ApplicationState::kProgressing, ApplicationState::kSynced,    ApplicationState::kHeld,
    ApplicationState::kStalled,     ApplicationState::kSuspended, ApplicationState::kDegraded,
    ApplicationState::kReleased,    ApplicationState::kDeleting,
};

}  // namespace

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
