#include "agent/core/deletes.h"

#include <algorithm>

#include "common/bundle/guard.h"
#include "common/bundle/key_list.h"

namespace lockstep {
namespace {

std::vector<ObjectKey> WholeList(const DeleteUpdate& update, const ApplicationRecord& next) {
  if (next.releasing == ReleaseObjects::kDelete) return update.inventory;
  std::vector<ObjectKey> wanted = update.named;
  // Released, its objects stay: deletes that were not carried out are off.
  if (next.options.prune && !next.releasing.has_value()) {
    wanted.insert(wanted.end(), next.tombstones.begin(), next.tombstones.end());
    wanted.insert(wanted.end(), update.removed.begin(), update.removed.end());
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::erase_if(wanted, [&](const ObjectKey& key) {
    return !ContainsKey(update.inventory, key) || next.manifest->Find(key) != nullptr;
  });
  return wanted;
}

std::vector<ObjectKey> NewList(const DeleteUpdate& update, const ApplicationRecord& next) {
  std::vector<ObjectKey> list = WholeList(update, next);
  CutKeyList(kKeyListBytesMax, &list);
  return list;
}

// How many objects the list is weighed against: what there was, but no more than what is left now,
// so that a list of all that another application did not take over counts as everything.
size_t ObjectsBefore(const ApplicationRecord& next) {
  const size_t wanted = next.releasing.has_value() ? 0 : next.manifest->size();
  return std::min(next.objects_before, wanted + next.tombstones.size());
}

// Takes the guard's verdict on the list.
void Weigh(const std::optional<Digest>& approved, ApplicationRecord* next) {
  const GuardVerdict verdict = WeighDeletes(next->tombstones, ObjectsBefore(*next));
  next->held =
      verdict.held && !(approved.has_value() && *approved == KeyListDigest(next->tombstones));
  next->held_reason = next->held ? verdict.reason : "";
}

}  // namespace

void MergeDeletes(const DeleteUpdate& update, ApplicationRecord* next) {
  const std::vector<ObjectKey> before = next->tombstones;
  next->tombstones = NewList(update, *next);
  const bool grown = !std::includes(before.begin(), before.end(), next->tombstones.begin(),
                                    next->tombstones.end());
  if (grown) {
    const size_t objects = update.objects_before + before.size();
    next->objects_before = before.empty() ? objects : std::min(next->objects_before, objects);
  }
  if (grown || next->held) Weigh(update.approved, next);
}

void DropDeletes(const std::set<ObjectKey>& done, ApplicationRecord* next) {
  std::erase_if(next->tombstones, [&](const ObjectKey& key) { return done.contains(key); });
  if (next->held) Weigh(std::nullopt, next);
}

}  // namespace lockstep
