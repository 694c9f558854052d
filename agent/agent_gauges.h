#pragma once

#include <absl/time/time.h>

#include "agent/core/reconcile.h"
#include "agent/core/state.h"
#include "agent/metrics/agent_metrics.h"

namespace lockstep {

/// Counts what an agent's loop tells of. `metrics` outlives it.
class AgentGauges {
 public:
  explicit AgentGauges(AgentMetrics* metrics) : metrics_(metrics) {}

  /// After each step, on the loop.
  void Update(const AgentState& state);
  /// After each comparison with the target, on any thread.
  void Count(const ReconcileOutcome& outcome, absl::Duration took);
  /// For each message to the hub, on the loop.
  void Count(const AgentMessage& message);

 private:
  AgentMetrics* const metrics_;

  // The loop's.
  bool connected_ = false;
  uint64_t desired_seq_ = 0;
};

}  // namespace lockstep
