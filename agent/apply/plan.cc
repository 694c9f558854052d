#include "agent/apply/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

constexpr int kStages = 3;

using Presence = Observation::Presence;

// Whether the live content is something that we set out to write.
bool MayBeOurWrite(const InventoryEntry& entry, const Observation& seen) {
  if (!seen.content.has_value()) return false;
  return std::find(entry.attempted.begin(), entry.attempted.end(), *seen.content) !=
         entry.attempted.end();
}

bool IsOurs(absl::string_view application, const InventoryEntry* entry, const Observation& seen) {
  if (seen.owner == application && !application.empty()) return true;
  if (entry == nullptr) return false;
  return !entry->applied.IsZero() || MayBeOurWrite(*entry, seen);
}

bool MayDelete(absl::string_view application, const InventoryEntry& entry,
               const Observation& seen) {
  if (!entry.uid.empty() && entry.uid != seen.uid) return false;
  if (!seen.owner.empty()) return seen.owner == application;
  return !entry.applied.IsZero() || MayBeOurWrite(entry, seen);
}

const InventoryEntry* Find(const Inventory& inventory, const ObjectKey& key) {
  const auto found = inventory.find(key);
  return found == inventory.end() ? nullptr : &found->second;
}

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input) {}

  ApplyPlan Plan() {
    const size_t count = input_.desired.size();
    for (size_t i = 0; i < count; ++i) PlanWrite(input_.desired[i], input_.observed[i]);
    for (size_t i = 0; i < input_.deletes.size(); ++i) {
      PlanDelete(input_.deletes[i], input_.observed[count + i]);
    }
    if (!plan_.foreign.empty()) KeepToWhatWas();
    for (auto& stage : writes_) {
      if (!stage.empty()) plan_.write_stages.push_back(std::move(stage));
    }
    for (auto stage = deletes_.rbegin(); stage != deletes_.rend(); ++stage) {
      if (!stage->empty()) plan_.delete_stages.push_back(std::move(*stage));
    }
    return std::move(plan_);
  }

 private:
  void PlanWrite(const ManifestEntry& wanted, const Observation& seen) {
    const InventoryEntry* entry = Find(input_.inventory, wanted.key);
    const bool confirmed = entry != nullptr && !entry->applied.IsZero();
    if (seen.presence == Presence::kEqual) {
      Take(wanted, seen, entry);
      return;
    }
    const bool missing = seen.presence == Presence::kAbsent;
    if (!missing && !input_.accept_foreign && !IsOurs(input_.application, entry, seen)) {
      plan_.foreign.push_back({wanted.key, seen.place, seen.owner});
      return;
    }
    const bool drifted = confirmed && entry->applied == wanted.blob;
    writes_[StageOf(wanted.key.group, wanted.key.kind)].push_back(
        {wanted.key, wanted.blob, confirmed, drifted, missing, seen.fields});
  }

  void Take(const ManifestEntry& wanted, const Observation& seen, const InventoryEntry* entry) {
    InventoryEntry taken{seen.uid, wanted.blob, {}, seen.mark};
    if (entry != nullptr && *entry == taken) return;
    ReconcileOutcome::Owned owned;
    owned.key = wanted.key;
    owned.entry = std::move(taken);
    owned.was_owned = entry != nullptr && !entry->applied.IsZero();
    plan_.taken.push_back(std::move(owned));
  }

  void PlanDelete(const ObjectKey& key, const Observation& seen) {
    const InventoryEntry* entry = Find(input_.inventory, key);
    if (entry == nullptr || seen.presence == Presence::kAbsent ||
        !MayDelete(input_.application, *entry, seen)) {
      plan_.gone.push_back(key);
      return;
    }
    deletes_[StageOf(key.group, key.kind)].push_back({key, seen.uid});
  }

  void KeepToWhatWas() {
    for (auto& stage : writes_) {
      std::erase_if(stage, [](const PlannedWrite& write) { return !write.drifted; });
    }
    for (auto& stage : deletes_) stage.clear();
  }

  const PlanInput& input_;
  ApplyPlan plan_;
  std::array<std::vector<PlannedWrite>, kStages> writes_;
  std::array<std::vector<PlannedDelete>, kStages> deletes_;
};

}  // namespace

int StageOf(absl::string_view group, absl::string_view kind) {
  if (group == "apiextensions.k8s.io" && kind == "CustomResourceDefinition") return 0;
  if (group.empty() && kind == "Namespace") return 0;
  if (group == "rbac.authorization.k8s.io" && kind == "ClusterRole") return 0;
  return absl::EndsWith(kind, "Class") ? 1 : 2;
}

ApplyPlan PlanApply(const PlanInput& input) { return Planner(input).Plan(); }

}  // namespace lockstep
