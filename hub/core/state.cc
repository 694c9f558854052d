#include "hub/core/state.h"

namespace lockstep {

const ResourceState* HubState::FindResource(const ResourceKey& key) const {
  const auto found = resources.find(key);
  return found == resources.end() ? nullptr : &found->second;
}

const ResourceState* HubState::FindApplication(absl::string_view name) const {
  const NamespacedName parts = ParseNamespacedName(name);
  return FindResource({ResourceKind::kApplication, parts.namespace_, parts.name});
}

NamespacedName ParseNamespacedName(absl::string_view text) {
  const size_t slash = text.find('/');
  if (slash == absl::string_view::npos) return {"", std::string(text)};
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

}  // namespace lockstep
