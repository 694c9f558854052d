#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "agent/core/record.h"
#include "common/object/object_key.h"
#include "common/status/report.h"

namespace lockstep {

/// One comparison of an application with its target, and the writes that follow from it.
struct ReconcileTask {
  uint64_t run = 0;  // Names this task; its outcome carries it.
  std::string application;
  ManifestPtr manifest = EmptyManifest();
  bool everything = false;         // Compare every object, else those of `keys`.
  std::vector<ObjectKey> keys;     // Sorted; all of them named by the manifest.
  Inventory inventory;             // Of the keys looked at and of `deletes`.
  std::vector<ObjectKey> deletes;  // Tombstones that may be carried out now. Sorted.
  bool accept_foreign = false;
  std::string account;  // To act as; empty: the agent itself.
  std::string default_namespace;
  bool create_namespace = false;
};

/// What came of it. What no list names was not done.
struct ReconcileOutcome {
  struct Owned {
    ObjectKey key;
    InventoryEntry entry;
    bool was_owned = false;           // The inventory had it confirmed before.
    bool written = false;             // Else it was equal already.
    bool drifted = false;             // Others had changed or removed what was applied before.
    bool missing = false;             // Removed rather than changed.
    std::vector<std::string> fields;  // What differed.
  };
  struct Problem {
    ObjectKey key;
    absl::Status status;
  };
  struct Foreign {
    ObjectKey key;
    std::string place;  // "file …": what lies there and is not ours.
    std::string owner;  // The other application whose marker it carries; empty for none.
  };

  uint64_t run = 0;
  std::string application;
  bool complete = false;     // Everything asked for was looked at and done.
  bool interrupted = false;  // Cancelled, or the plan had grown old: look again.
  std::vector<Owned> owned;
  std::vector<ObjectKey> deleted;  // Carried out.
  std::vector<ObjectKey> gone;     // Tombstones without an object of ours: nothing to do.
  std::vector<Foreign> foreign;
  std::vector<Problem> problems;
  std::vector<ObjectProblem> unhealthy;
  std::vector<Digest> damaged;  // Blobs that could not be read back.
};

}  // namespace lockstep
