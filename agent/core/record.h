#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/bundle/link.h"
#include "common/bundle/manifest.h"
#include "common/bundle/options.h"

/// What an agent never forgets. Records are written one after another; replaying them gives the
/// state that the core works on, because the core itself changes it by ApplyRecord alone.
namespace lockstep {

/// What concerns no single application. A later record replaces an earlier one.
struct AgentRecord {
  uint64_t start_counter = 0;  // +1 at each start.
  CommitPoint seen;            // The furthest hub state heard of (SECURITY D-7).
  std::string hub_incarnation;
  uint64_t epoch = 0;
  uint64_t desired_seq = 0;
  std::set<Digest> revoked;
  bool removed = false;  // The cluster left the fleet: this agent does nothing any more.
  // Under which identity this was kept: hash of its token, fingerprint of the hub's authority.
  std::string joined_with;
  Digest authority;
  bool hub_behind = false;  // As last heard: a restart does not let deletes go before a Welcome.
  // Of the place that all this is about; another one is not written to before a person accepted it
  // (FAULTS F-56). Empty before the first start.
  std::string target_uid;
};

/// What the agent knows of one object that it wrote, took over or is about to write.
struct InventoryEntry {
  std::string uid;                // As the target gave it; empty where it has none.
  Digest applied;                 // What was last written or found equal; zero: not yet.
  std::vector<Digest> attempted;  // What may have been written since, not confirmed yet.
  std::string mark;               // Of that write, where the target has marks (agent/target).

  friend bool operator==(const InventoryEntry&, const InventoryEntry&) = default;
};

/// An attempted list keeps the newest of these; an older unconfirmed write counts as foreign.
inline constexpr size_t kAttemptedMax = 16;

/// One application's target as it was accepted. A later record replaces an earlier one; the
/// inventory is apart.
struct ApplicationRecord {
  std::string name;
  uint64_t generation = 0;
  std::string revision;
  ManifestPtr manifest = EmptyManifest();
  Digest options_digest;
  std::string options_bytes;  // As received: a newer agent may read more from them.
  ApplicationOptions options;
  bool accept_foreign = false;
  std::optional<ReleaseObjects> releasing;  // Set: it goes; its manifest is the last it had.

  // Deletes not carried out yet. The verdict is taken when the list changes and kept, so that a
  // growing application or a half-carried-out list does not change it by itself.
  std::vector<ObjectKey> tombstones;  // Sorted.
  size_t objects_before = 0;          // What the list was weighed against.
  bool held = false;
  std::string held_reason;
};

/// Changes of one application's inventory.
struct InventoryRecord {
  std::string application;
  std::vector<std::pair<ObjectKey, InventoryEntry>> set;
  std::vector<ObjectKey> removed;
};

struct ForgetRecord {
  std::string application;
};

using Record = std::variant<AgentRecord, ApplicationRecord, InventoryRecord, ForgetRecord>;

using Inventory = std::map<ObjectKey, InventoryEntry>;

struct DurableApplication {
  ApplicationRecord target;
  Inventory inventory;
};

struct DurableState {
  AgentRecord agent;
  std::map<std::string, DurableApplication> applications;
};

/// Brings `record` under the identity that the agent has now; returns whether that changed it. A
/// new token brings back an agent that left its fleet. Where the token was another hub's, what the
/// hub before told is dropped: it proves nothing of this one (docs/decisions/0009). What the agent
/// knows of its own machine stays.
bool AdoptIdentity(absl::string_view joined_with, const Digest& authority, AgentRecord* record);

void ApplyRecord(const Record& record, DurableState* state);

/// Over the applications that are not being released: what Hello, Ack and Beat carry and what
/// Desired.cluster_root is compared with.
Digest RootOf(const DurableState& state);

/// Whether an application's manifest names this blob: it is stored here.
bool HasBlob(const DurableState& state, const Digest& blob);

/// Whether the key lies in the sorted list.
bool ContainsKey(const std::vector<ObjectKey>& sorted, const ObjectKey& key);

}  // namespace lockstep
