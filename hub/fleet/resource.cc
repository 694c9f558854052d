#include "hub/fleet/resource.h"

#include <absl/strings/str_cat.h>

namespace lockstep {

absl::string_view KindName(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kGitRepository:
      return "GitRepository";
    case ResourceKind::kApplication:
      return "Application";
    case ResourceKind::kCluster:
      return "Cluster";
    case ResourceKind::kSecret:
      return "Secret";
  }
  return "";
}

std::optional<ResourceKind> KindFromName(absl::string_view name) {
  for (const ResourceKind kind : kResourceKinds) {
    if (KindName(kind) == name) return kind;
  }
  return std::nullopt;
}

bool HasNamespace(ResourceKind kind) { return kind != ResourceKind::kCluster; }

std::string NamespacedName::ToString() const {
  return namespace_.empty() ? name : absl::StrCat(namespace_, "/", name);
}

std::string ResourceKey::ToString() const {
  return absl::StrCat(KindName(kind), " ", Name().ToString());
}

ResourceKey KeyOf(const Resource& resource) {
  return std::visit(
      [](const auto& one) {
        return ResourceKey{one.kKind, one.meta.namespace_, one.meta.name};
      },
      resource);
}

const Meta& MetaOf(const Resource& resource) {
  return std::visit([](const auto& one) -> const Meta& { return one.meta; }, resource);
}

Meta& MetaOf(Resource& resource) {
  return std::visit([](auto& one) -> Meta& { return one.meta; }, resource);
}

}  // namespace lockstep
