#pragma once

#include <string>
#include <vector>

#include "hub/core/state.h"

namespace lockstep::sim {

/// What of a hub's state has to come back from its store, a fact a line.
std::vector<std::string> Summary(const HubState& state);

}  // namespace lockstep::sim
