#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <absl/status/status.h>

#include "agent/core/reconcile.h"
#include "agent/core/record.h"
#include "common/bundle/link.h"

namespace lockstep {

/// What an agent says of itself in Hello.
struct AgentFacts {
  std::string version;
  TargetKind target = TargetKind::kDirectory;
  std::string target_uid;
  std::map<std::string, std::string> facts;
};

/// What wakes an agent at a time.
struct TimerId {
  enum class Kind : uint8_t { kReconcile, kStatus, kBeat, kFetch };

  Kind kind = Kind::kStatus;
  std::string application;  // Of kReconcile.

  friend auto operator<=>(const TimerId&, const TimerId&) = default;
};

namespace agent_event {

/// The first event: what the store held.
struct Started {
  DurableState durable;
  AgentFacts facts;
  uint64_t seed = 0;  // Of jitter.
};

/// A session may begin: the stream is open and nothing has been said on it.
struct LinkUp {};
struct LinkDown {};

struct Received {
  HubMessage message;
};

/// The answer to the Persist of the step before; no other event comes in between.
struct PersistDone {
  absl::Status status;  // Not OK: nothing of it was kept.
};

/// All blobs of this Fetch are in the store, checked; the next synced Persist makes them durable.
struct BlobsStored {
  uint64_t fetch = 0;
  std::map<Digest, std::string> documents;  // Those of the Fetch.
};
struct FetchFailed {
  uint64_t fetch = 0;
  absl::Status status;
};

struct ReconcileDone {
  ReconcileOutcome outcome;
};

/// Others may have changed these objects. No keys: anything may have changed.
struct TargetChanged {
  std::string application;
  std::vector<ObjectKey> keys;
};

struct TimerFired {
  TimerId timer;
};

/// A person at the agent's machine ends its work (`lockstep-agent release`).
struct ReleaseAll {};

}  // namespace agent_event

using AgentEvent =
    std::variant<agent_event::Started, agent_event::LinkUp, agent_event::LinkDown,
                 agent_event::Received, agent_event::PersistDone, agent_event::BlobsStored,
                 agent_event::FetchFailed, agent_event::ReconcileDone, agent_event::TargetChanged,
                 agent_event::TimerFired, agent_event::ReleaseAll>;

}  // namespace lockstep
