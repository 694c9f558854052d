#pragma once

#include <vector>

#include <absl/time/time.h>

#include "hub/core/effect.h"
#include "hub/core/event.h"
#include "hub/core/state.h"

namespace lockstep {

/// Step for a hub whose disk is nearly full (FAULTS F-07): writes nothing, so it acknowledges
/// nothing and lets nobody in; agents go on with what they have. What arrives meanwhile is asked
/// for again once there is room.
std::vector<Effect> StepReadOnly(HubState& state, const Event& event, absl::Time now);

}  // namespace lockstep
