#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/agent_process.h"
#include "tests/sim/hub_process.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

/// What goes wrong beside what goes wrong at one call: disks that are full for a while, targets
/// that are away or are made anew, agents that forget, somebody with a key that was revoked.
class Trouble {
 public:
  Trouble(World* world, HubProcess* hub, Network* network,
          std::vector<std::unique_ptr<AgentProcess>>* agents)
      : world_(*world), hub_(*hub), network_(*network), agents_(*agents) {}

  /// Begins something now and then, until `until`. What lasts ends by itself, soon after.
  void Begin(absl::Time until);

 private:
  void Some();
  void OldKey(const AgentProcess& agent);
  void For(absl::Duration most, std::function<void()> end);

  World& world_;
  HubProcess& hub_;
  Network& network_;
  std::vector<std::unique_ptr<AgentProcess>>& agents_;
};

}  // namespace lockstep::sim
