#pragma once

#include <map>
#include <optional>
#include <string>

#include <absl/time/time.h>

#include "hub/core/turn.h"

/// What agents are sent, and what they are known to hold.
namespace lockstep {

/// Desired messages of one session that are not acknowledged; more wait until one is.
inline constexpr size_t kInFlightMax = 4;
/// Before a target that was refused in a way that can heal is sent again.
inline constexpr absl::Duration kRefusalRetry = absl::Seconds(30);

/// What the instance's assignment amounts to at the agent; generation 0: nothing.
ReceivedTarget TargetOf(const Assignment& assignment);

/// Whether the agent holds the assignment, as far as the hub knows.
bool IsReceived(const Instance& instance);

/// Whether the agent holds something of it that the hub cannot name.
bool HoldsUnknown(const Instance& instance);

/// Whether the agent's last report is of the assignment. A generation alone does not say so: to an
/// agent that followed a history which this hub lost, the same number may mean something else.
bool IsReported(const Instance& instance);

/// Over targets by application, as agents compute it: what is being released does not count.
Digest RootOfTargets(const std::map<std::string, ReceivedTarget>& targets);

/// What the agent holds, by application.
std::map<std::string, ReceivedTarget> ReceivedTargets(const ClusterState& cluster);

/// What it is to hold.
std::map<std::string, ReceivedTarget> WantedTargets(const ClusterState& cluster);

/// Sends the agent what it is not known to have: one Desired with everything that is newer than
/// what it received, as deltas from that, so that each replaces those before it. Where that is more
/// than DeliveryLimits allow, the rest follows once it is acknowledged; a group (see
/// HandOverGroups) is never split. Nothing where it has everything, or is offline, not accepted, or
/// the hub is behind.
void Deliver(Turn& turn, const std::string& cluster);

/// Has refused targets that are due sent again, and finds out when the next ones are.
void RetryRefused(Turn& turn);

}  // namespace lockstep
