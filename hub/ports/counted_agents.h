#pragma once

#include "hub/loop/ports.h"
#include "hub/metrics/hub_metrics.h"

namespace lockstep {

/// Counts what goes to and comes from the agents. What is borrowed outlives it.
class CountedAgents : public AgentPort {
 public:
  CountedAgents(AgentPort* agents, HubMetrics* metrics) : agents_(agents), metrics_(metrics) {}

  void Send(SessionId session, HubMessage message) override;
  void Close(SessionId session, std::optional<Goodbye> goodbye) override;

  /// An event that came from an agent. Any thread.
  void Count(const Event& event);

 private:
  AgentPort* const agents_;
  HubMetrics* const metrics_;
};

}  // namespace lockstep
