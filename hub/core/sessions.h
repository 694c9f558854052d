#pragma once

#include <absl/time/time.h>

#include "hub/core/turn.h"

/// The agents' side of the core: docs/protocol.md 3, 4, 8 and 10.
namespace lockstep {

inline constexpr absl::Duration kBeat = absl::Seconds(10);
/// Without a sign of life for this long an agent is offline: 2T + 10 s.
inline constexpr absl::Duration kSilenceMax = absl::Seconds(30);
/// An agent whose stored root is not the one it acknowledged for so long is asked what it has.
inline constexpr absl::Duration kRootDiffersMax = absl::Seconds(20);
/// A Desired that is not acknowledged for so long ends the session; the next one begins with a
/// comparison.
inline constexpr absl::Duration kAckMax = absl::Minutes(5);
/// After a start of the hub agents have so long to come back before they are said to be offline.
inline constexpr absl::Duration kReturnMax = absl::Minutes(5);
/// How often the times at which agents were last heard of are stored.
inline constexpr absl::Duration kFlush = absl::Minutes(1);
/// Statuses are acknowledged together, by the newest one's number, after so long: what an agent
/// keeps until then is little, and a fleet that follows a commit is not sent a message more each.
inline constexpr absl::Duration kStatusAckGather = absl::Seconds(1);
/// Sessions admitted per second after a restart, for the spread of first retries.
inline constexpr int kAdmissionsPerSecond = 300;
/// What is refused now may try again after this.
inline constexpr absl::Duration kRefusedRetry = absl::Minutes(1);

void OnHello(Turn& turn, const event::AgentHello& hello);
void OnAgentSaid(Turn& turn, const event::AgentSaid& said);
/// Acknowledges the statuses that wait for it.
void AckStatuses(Turn& turn);
void OnSessionClosed(Turn& turn, const event::SessionClosed& closed);

/// Ends sessions of silent agents, stores when agents were heard of, forgets what has expired. A
/// hub that had no time to listen judges nobody: with a backlog, or where this comes a beat too
/// late.
void Watch(Turn& turn, const event::Tick& tick);

/// Ends the session of the cluster, if there is one.
void EndSession(Turn& turn, const std::string& cluster, std::optional<Goodbye> goodbye);

/// What every Welcome says, whoever is greeted.
Welcome MakeWelcome(const HubState& state, absl::Time now);

/// Tells the agents of sessions that were not pushed to what they lack, after whatever held them
/// back is gone.
void Resume(Turn& turn, const std::string& cluster);

}  // namespace lockstep
