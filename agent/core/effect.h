#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "agent/core/event.h"
#include "agent/core/reconcile.h"
#include "agent/core/record.h"
#include "common/bundle/link.h"

namespace lockstep::agent_effect {

/// Writes the records, all or none, and the blobs before them. Always the last effect of its step;
/// PersistDone is stepped next. What depends on it comes from that step.
struct Persist {
  std::vector<Record> records;
  std::vector<std::pair<Digest, std::string>> blobs;
  bool synced = true;  // Durable before PersistDone; else it may be lost with the power.
};

/// To the hub, on the present session; dropped where there is none any more.
struct Send {
  AgentMessage message;
};

/// Gets these blobs from the hub into the store, but for those that it reads back already, and
/// these documents into memory. A later one replaces one under way.
struct Fetch {
  uint64_t fetch = 0;
  std::vector<Digest> digests;
  std::vector<DocumentReference> documents;
};

struct Reconcile {
  ReconcileTask task;
};
/// Ends the run at the next object; its outcome still comes.
struct CancelReconcile {
  uint64_t run = 0;
};

/// Tells of changes by others to what the manifest names. Replaces the application's earlier watch.
struct Watch {
  std::string application;
  ManifestPtr manifest;
  std::string account;  // As in ReconcileTask.
  std::string default_namespace;
};
struct Unwatch {
  std::string application;
};

/// Replaces a timer of the same id.
struct SetTimer {
  TimerId timer;
  absl::Duration after;
};
struct CancelTimer {
  TimerId timer;
};

/// Nothing more is to be done, ever: end the link and the program.
struct Stop {
  std::string reason;
  absl::Status kept;  // Why it could not be written down, where it could not.
};

}  // namespace lockstep::agent_effect

namespace lockstep {

using AgentEffect = std::variant<agent_effect::Persist, agent_effect::Send, agent_effect::Fetch,
                                 agent_effect::Reconcile, agent_effect::CancelReconcile,
                                 agent_effect::Watch, agent_effect::Unwatch, agent_effect::SetTimer,
                                 agent_effect::CancelTimer, agent_effect::Stop>;

}  // namespace lockstep
