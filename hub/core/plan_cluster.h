#pragma once

#include <string>

#include "hub/core/turn.h"

namespace lockstep {

/// Asks the planner about the cluster and carries out what it says.
void PlanCluster(Turn& turn, const std::string& cluster);

}  // namespace lockstep
