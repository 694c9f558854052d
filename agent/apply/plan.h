#pragma once

#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "agent/apply/observation.h"
#include "agent/core/reconcile.h"
#include "agent/core/record.h"
#include "common/bundle/manifest.h"

namespace lockstep {

/// What PlanApply decides from. All of it is borrowed for the call.
struct PlanInput {
  absl::string_view application;
  const std::vector<ManifestEntry>& desired;  // What was looked at, by key.
  const std::vector<ObjectKey>& deletes;      // Tombstones that may be carried out, by key.
  const Inventory& inventory;
  const std::vector<Observation>& observed;  // Of `desired`, then of `deletes`, in their order.
  bool accept_foreign = false;
};

struct PlannedWrite {
  ObjectKey key;
  Digest blob;
  bool was_owned = false;           // The inventory has it confirmed.
  bool drifted = false;             // This very content had been there: others changed it.
  bool missing = false;             // Nothing lies there.
  std::vector<std::string> fields;  // What differs.
};

struct PlannedDelete {
  ObjectKey key;
  std::string uid;
};

/// What is to be done, in this order. No stage is empty.
struct ApplyPlan {
  std::vector<ReconcileOutcome::Owned> taken;  // Equal: ours from now on, without a write.
  std::vector<std::vector<PlannedWrite>> write_stages;
  std::vector<std::vector<PlannedDelete>> delete_stages;
  std::vector<ReconcileOutcome::Foreign> foreign;  // Others' objects at our places.
  std::vector<ObjectKey> gone;  // Tombstones whose object is not there or not ours.
};

/// When an object of this kind is written: 0 CustomResourceDefinitions, Namespaces, ClusterRoles;
/// 1 kinds ending in "Class"; 2 the rest. Deleted the other way round.
int StageOf(absl::string_view group, absl::string_view kind);

/// Compares what is there with what should be. Pure.
///
/// An object that is as wanted is never written. One that differs is written if the inventory or
/// its owner marker says it is ours, or `accept_foreign`. While something foreign lies at one
/// place, nothing new is written and nothing deleted; what had been applied before is still put
/// back. Deletes: only what the inventory names, with the same UID and owner; what was never
/// confirmed only where its content is what we may have written.
ApplyPlan PlanApply(const PlanInput& input);

}  // namespace lockstep
