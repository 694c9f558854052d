#pragma once

#include "agent/core/state.h"
#include "agent/metrics/agent_metrics.h"

namespace lockstep {

/// Sets the metrics that follow from an agent's state. The loop's; `metrics` outlives it.
class AgentGauges {
 public:
  explicit AgentGauges(AgentMetrics* metrics) : metrics_(metrics) {}

  /// After each step.
  void Update(const AgentState& state);

 private:
  AgentMetrics* const metrics_;
  bool connected_ = false;
  uint64_t desired_seq_ = 0;
};

}  // namespace lockstep
