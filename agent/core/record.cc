#include "agent/core/record.h"

#include <algorithm>

namespace lockstep {
namespace {

struct Apply {
  DurableState& state;

  void operator()(const AgentRecord& record) const { state.agent = record; }
  void operator()(const ApplicationRecord& record) const {
    state.applications[record.name].target = record;
  }
  void operator()(const InventoryRecord& record) const {
    const auto found = state.applications.find(record.application);
    if (found == state.applications.end()) return;
    Inventory& inventory = found->second.inventory;
    for (const ObjectKey& key : record.removed) inventory.erase(key);
    for (const auto& [key, entry] : record.set) inventory.insert_or_assign(key, entry);
  }
  void operator()(const ForgetRecord& record) const {
    state.applications.erase(record.application);
  }
};

}  // namespace

bool AdoptIdentity(absl::string_view joined_with, const Digest& authority, AgentRecord* record) {
  const bool joined = record->joined_with != joined_with;
  if (!joined && record->authority == authority) return false;
  // An authority that changes without a token is the same hub's next one.
  if (joined && !record->authority.IsZero() && record->authority != authority) {
    AgentRecord fresh;
    fresh.start_counter = record->start_counter;
    fresh.target_uid = std::move(record->target_uid);
    *record = std::move(fresh);
  }
  if (joined) record->removed = false;
  record->joined_with = std::string(joined_with);
  record->authority = authority;
  return true;
}

void ApplyRecord(const Record& record, DurableState* state) { std::visit(Apply{*state}, record); }

Digest RootOf(const DurableState& state) {
  std::vector<ApplicationRoot> roots;
  for (const auto& [name, application] : state.applications) {
    const ApplicationRecord& target = application.target;
    if (target.releasing.has_value()) continue;
    roots.push_back({name, target.generation, target.manifest->digest(), target.options_digest});
  }
  return ClusterRoot(std::move(roots));
}

bool HasBlob(const DurableState& state, const Digest& blob) {
  return std::any_of(state.applications.begin(), state.applications.end(),
                     [&](const auto& item) { return item.second.target.manifest->HasBlob(blob); });
}

bool ContainsKey(const std::vector<ObjectKey>& sorted, const ObjectKey& key) {
  return std::binary_search(sorted.begin(), sorted.end(), key);
}

}  // namespace lockstep
