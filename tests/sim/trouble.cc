#include "tests/sim/trouble.h"

#include <utility>

namespace lockstep::sim {

void Trouble::Begin(absl::Time until) {
  world_.time.After(world_.Upto(world_.settings.operation * 2), [this, until] {
    if (!world_.ok() || world_.time.Now() >= until) return;
    if (world_.Chance(world_.settings.spells)) Some();
    Begin(until);
  });
}

void Trouble::For(absl::Duration most, std::function<void()> end) {
  world_.time.After(world_.Upto(most), std::move(end));
}

void Trouble::Some() {
  AgentProcess* agent = agents_[world_.rng.Below(agents_.size())].get();
  switch (world_.rng.Below(8)) {
    case 0:
      world_.Say("the hub's disk is nearly full");
      hub_.SetDiskFull(true);
      return For(absl::Minutes(2), [this] {
        world_.Say("the hub's disk has room again");
        hub_.SetDiskFull(false);
      });
    case 1:
      world_.Say("the disk of ", agent->cluster(), " is full");
      agent->SetDiskFull(true);
      return For(absl::Minutes(2), [agent] { agent->SetDiskFull(false); });
    case 2:
      return agent->LoseState();
    case 3:
      return agent->RebuildTarget();
    case 4:
    case 5:
      return OldKey(*agent);
    case 6:
      world_.Say("the target of ", agent->cluster(), " is away");
      agent->target().SetDown(absl::UnavailableError("the target is away"));
      return For(absl::Minutes(2), [agent] { agent->target().SetDown(absl::OkStatus()); });
    default:
      world_.Say("the target of ", agent->cluster(), " has no room");
      agent->target().SetDown(absl::ResourceExhaustedError("the target has no room"));
      return For(absl::Minutes(2), [agent] { agent->target().SetDown(absl::OkStatus()); });
  }
}

void Trouble::OldKey(const AgentProcess& agent) {
  if (agent.old_keys().empty() || !hub_.up()) return;
  event::AgentHello event;
  event.session = network_.NewSession();
  event.session_name = "someone";
  event.cluster = agent.cluster();
  event.fingerprint = agent.old_keys()[world_.rng.Below(agent.old_keys().size())];
  event.hello.start_counter = 1;
  event.hello.target_uid = agent.target_uid();
  world_.Say("somebody comes with an old key of ", agent.cluster());
  hub_.Post(std::move(event));
}

}  // namespace lockstep::sim
