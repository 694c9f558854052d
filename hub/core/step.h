#pragma once

#include <vector>

#include <absl/time/time.h>

#include "hub/core/effect.h"
#include "hub/core/event.h"
#include "hub/core/state.h"

namespace lockstep {

/// The only thing that changes a hub's state: what happened, and what is to be done about it.
///
/// Pure: same state, event and time give the same state and effects on every machine. The caller
/// makes the Write effects of all events of a batch durable in one append before it lets any other
/// effect go, and stops for good, letting nothing go, if that fails (FAULTS M6).
std::vector<Effect> Step(HubState& state, const Event& event, absl::Time now);

/// When a Tick is due at the latest; InfiniteFuture for never.
absl::Time NextDue(const HubState& state);

}  // namespace lockstep
