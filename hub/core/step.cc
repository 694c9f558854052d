#include "hub/core/step.h"

#include <algorithm>
#include <utility>

#include <absl/status/status.h>

#include "hub/core/commands.h"
#include "hub/core/instances.h"
#include "hub/core/outgoing.h"
#include "hub/core/plan_cluster.h"
#include "hub/core/read_only.h"
#include "hub/core/resources.h"
#include "hub/core/sessions.h"
#include "hub/core/sources.h"

namespace lockstep {
namespace {

void On(Turn& turn, const event::Command& command) {
  turn.by = command.by;
  if (const auto* sync = std::get_if<command::Sync>(&command.action)) {
    const absl::Status status = BeginSync(turn, *sync, command.request);
    if (!status.ok()) turn.Reply(command.request, status);
    return;
  }
  std::visit(
      [&](const auto& action) {
        using Action = std::decay_t<decltype(action)>;
        if constexpr (!std::is_same_v<Action, command::Sync>)
          turn.Reply(command.request, Do(turn, action));
      },
      command.action);
}

void On(Turn& turn, const event::FetchDone& done) { OnFetchDone(turn, done); }
void On(Turn& turn, const event::RenderDone& done) { OnRenderDone(turn, done); }
void On(Turn& turn, const event::ConfigRead& read) { OnConfigRead(turn, read); }
void On(Turn& turn, const event::AgentHello& hello) { OnHello(turn, hello); }
void On(Turn& turn, const event::AgentSaid& said) { OnAgentSaid(turn, said); }
void On(Turn& turn, const event::SessionClosed& closed) { OnSessionClosed(turn, closed); }

// What a crash may have kept from being done, and what a record that was put aside left undone.
void Begin(Turn& turn) {
  turn.state.running = true;
  turn.TouchHub();
  const ResourceKey first{ResourceKind::kApplication, "", ""};
  for (auto at = turn.state.resources.lower_bound(first);
       at != turn.state.resources.end() && at->first.kind == ResourceKind::kApplication; ++at) {
    const std::string name = at->first.Name().ToString();
    SyncInstances(turn, name);
    if (at->second.going) turn.finish_going.insert(name);
  }
  for (const auto& [name, cluster] : turn.state.clusters) turn.replan.insert(name);
  for (const auto& [name, source] : turn.state.sources) turn.render.insert(name);
  turn.state.next_retry = turn.now;
}

void On(Turn& turn, const event::Tick& tick) {
  if (!turn.state.running) Begin(turn);
  Watch(turn, tick);
  if (turn.now >= turn.state.next_retry) RetryRefused(turn);
  if (turn.now >= turn.state.next_status_ack) AckStatuses(turn);
}

// What the event set in motion, until nothing moves.
void Settle(Turn& turn, bool time_passed) {
  while (!turn.replan.empty() || !turn.finish_going.empty()) {
    for (const std::string& cluster : std::exchange(turn.replan, {})) PlanCluster(turn, cluster);
    for (const std::string& application : std::exchange(turn.finish_going, {}))
      FinishGoing(turn, application);
  }
  if (time_passed || !turn.fetch.empty()) StartFetches(turn);
  StartRenders(turn);
  for (const std::string& cluster : std::exchange(turn.deliver, {})) Deliver(turn, cluster);
}

}  // namespace

std::vector<Effect> Step(HubState& state, const Event& event, absl::Time now) {
  if (state.read_only) return StepReadOnly(state, event, now);
  Turn turn(state, now);
  std::visit([&turn](const auto& happened) { On(turn, happened); }, event);
  Settle(turn, std::holds_alternative<event::Tick>(event));
  return turn.Take();
}

absl::Time NextDue(const HubState& state) {
  absl::Time next =
      std::min({state.next_liveness, state.next_flush, state.next_retry, state.next_status_ack});
  if (!state.read_only) next = std::min(next, NextFetch(state));
  return next;
}

}  // namespace lockstep
