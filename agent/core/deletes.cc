#include "agent/core/deletes.h"

#include <algorithm>

#include "common/bundle/guard.h"

namespace lockstep {
namespace {

std::vector<ObjectKey> NewList(const DeleteUpdate& update, const ApplicationRecord& next) {
  if (next.releasing == ReleaseObjects::kDelete) return update.inventory;
  std::vector<ObjectKey> wanted = update.named;
  if (next.options.prune) {
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
  if (next->tombstones.empty()) {
    next->held = false;
  } else if (grown || next->held) {
    const GuardVerdict verdict = WeighDeletes(next->tombstones, next->objects_before);
    const bool approved =
        update.approved.has_value() && *update.approved == KeyListDigest(next->tombstones);
    next->held = verdict.held && !approved;
    next->held_reason = verdict.reason;
  }
  if (!next->held) next->held_reason.clear();
}

}  // namespace lockstep
