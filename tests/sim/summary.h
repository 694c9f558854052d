#pragma once

#include <string>
#include <vector>

#include "agent/core/record.h"
#include "hub/core/state.h"

namespace lockstep::sim {

/// What of a hub's state has to come back from its store, a fact a line.
std::vector<std::string> Summary(const HubState& state);

/// What of an agent's memory has to come back from its journal, a fact a line.
std::vector<std::string> Summary(const DurableState& state);

}  // namespace lockstep::sim
