#pragma once

#include <vector>

#include <absl/time/time.h>

#include "agent/core/effect.h"
#include "agent/core/event.h"
#include "agent/core/state.h"

namespace lockstep {

/// The agent's one place of decision: what `event` changes and what has to happen. Pure.
///
/// `now` is shown in reports; deadlines are timers (SetTimer). Effects are carried out in order; a
/// Persist is always the last of them and its PersistDone is the next event. docs/agent.md says
/// what is accepted, what is refused and what becomes of deletes.
std::vector<AgentEffect> Step(AgentState& state, const AgentEvent& event, absl::Time now);

}  // namespace lockstep
