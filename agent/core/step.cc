#include "agent/core/step.h"

#include "agent/core/stepper.h"

namespace lockstep {

std::vector<AgentEffect> Step(AgentState& state, const AgentEvent& event, absl::Time now) {
  return Stepper(state, now).Take(event);
}

}  // namespace lockstep
