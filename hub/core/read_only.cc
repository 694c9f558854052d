#include "hub/core/read_only.h"

#include <utility>

#include <absl/status/status.h>

#include "hub/core/sessions.h"
#include "hub/core/sources.h"
#include "hub/core/turn.h"

namespace lockstep {
namespace {

constexpr absl::Duration kLookAgain = absl::Minutes(1);

absl::Status NoRoom() {
  return absl::ResourceExhaustedError(
      "the hub's disk is nearly full: it changes nothing until there is room; free some under its "
      "data directory");
}

void On(Turn& turn, const event::Command& command) { turn.Reply(command.request, NoRoom()); }

void On(Turn& turn, const event::FetchDone& done) {
  const auto at = turn.state.sources.find(done.repository);
  if (at == turn.state.sources.end()) return;
  SourceState& source = at->second;
  if (source.fetch_job != done.job) return;
  source.fetching = source.fetch_again = source.discard = false;
  source.next_due = turn.now;  // As soon as there is room.
  source.waiting.insert(source.waiting.end(), source.waiting_next.begin(),
                        source.waiting_next.end());
  source.waiting_next.clear();
  for (const uint64_t request : std::exchange(source.waiting, {})) turn.Reply(request, NoRoom());
}

void RenderLater(Turn& turn, const NamespacedName& repository, uint64_t job) {
  const auto at = turn.state.sources.find(repository);
  if (at == turn.state.sources.end() || at->second.render_job != job) return;
  at->second.rendering = at->second.render_again = false;
  turn.state.running = false;  // The first Tick with room has rendered what is not.
}

void On(Turn& turn, const event::RenderDone& done) { RenderLater(turn, done.repository, done.job); }
void On(Turn& turn, const event::ConfigRead& read) {
  RenderLater(turn, ConfigRepositoryName(), read.job);
}

Goodbye Later() {
  return Goodbye{Goodbye::Reason::kBusy, kLookAgain, "the hub's disk is nearly full"};
}

void SendAway(Turn& turn, const std::string& cluster) { EndSession(turn, cluster, Later()); }

void On(Turn& turn, const event::AgentHello& hello) {
  turn.Emit(effect::CloseSession{hello.session, Later()});
}

// What it says cannot be kept. It is not answered, and comes anew: then it says again whatever was
// not acknowledged. To let it go on could acknowledge this with what comes later.
void On(Turn& turn, const event::AgentSaid& said) {
  const auto session = turn.state.sessions.find(said.session);
  if (session != turn.state.sessions.end()) SendAway(turn, std::string(session->second));
}

void On(Turn& turn, const event::SessionClosed& closed) {
  const auto at = turn.state.sessions.find(closed.session);
  if (at == turn.state.sessions.end()) return;
  ClusterState& cluster = turn.state.clusters.at(at->second);
  cluster.unanswered = std::move(cluster.session->in_flight);
  cluster.session.reset();
  turn.state.sessions.erase(at);
}

// Whoever is there missed answers: each is to come anew once there is room.
void On(Turn& turn, const event::Tick&) {
  for (auto& [name, cluster] : turn.state.clusters) {
    SendAway(turn, name);
  }
  turn.state.running = false;
  turn.state.next_liveness = turn.state.next_flush = turn.now + kBeat;
  turn.state.next_retry = turn.state.next_status_ack = absl::InfiniteFuture();
}

}  // namespace

std::vector<Effect> StepReadOnly(HubState& state, const Event& event, absl::Time now) {
  Turn turn(state, now);
  std::visit([&turn](const auto& happened) { On(turn, happened); }, event);
  return turn.Take();
}

}  // namespace lockstep
