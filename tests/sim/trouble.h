#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/agent_process.h"
#include "tests/sim/hub_process.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

/// What goes wrong for a while, beside what goes wrong at one call: full disks, a target that is
/// away or has no room.
class Trouble {
 public:
  Trouble(World* world, HubProcess* hub, std::vector<std::unique_ptr<AgentProcess>>* agents)
      : world_(*world), hub_(*hub), agents_(*agents) {}

  /// Begins something now and then, until `until`. Ends all of it by itself, soon after.
  void Begin(absl::Time until);

 private:
  void Some();
  void For(absl::Duration most, std::function<void()> end);

  World& world_;
  HubProcess& hub_;
  std::vector<std::unique_ptr<AgentProcess>>& agents_;
};

}  // namespace lockstep::sim
