#include "common/bundle/guard.h"

#include <algorithm>

#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

constexpr size_t kDeletesFree = 5;
constexpr size_t kPercentFree = 10;

}  // namespace

bool IsProtectedKind(absl::string_view group, absl::string_view kind) {
  if (group.empty())
    return kind == "Namespace" || kind == "PersistentVolume" || kind == "PersistentVolumeClaim";
  if (group == "apiextensions.k8s.io") return kind == "CustomResourceDefinition";
  if (group == "storage.k8s.io") return kind == "StorageClass";
  return group == "apps" && kind == "StatefulSet";
}

GuardVerdict WeighDeletes(const std::vector<ObjectKey>& deletes, size_t objects) {
  if (deletes.empty()) return {};
  const std::string count =
      absl::StrCat(deletes.size(), " of ", objects, " objects would be deleted");
  for (const ObjectKey& key : deletes) {
    if (!IsProtectedKind(key.group, key.kind)) continue;
    return {true, absl::StrCat(count, ", among them ", key.ToString())};
  }
  if (deletes.size() >= objects ||
      deletes.size() > std::max(kDeletesFree, objects * kPercentFree / 100)) {
    return {true, count};
  }
  return {};
}

}  // namespace lockstep
