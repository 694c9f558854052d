#include "hub/secrets/lost.h"

#include <utility>

#include "hub/secrets/sealed.h"

namespace lockstep {

std::vector<LostSecret> FindLostSecrets(const HubState& state, const SecretBox* box) {
  std::vector<LostSecret> lost;
  for (const auto& [key, resource] : state.resources) {
    if (key.kind != ResourceKind::kSecret || !resource.secret.has_value()) continue;
    if (box != nullptr && OpenSecret(*box, key, *resource.secret).ok()) continue;
    LostSecret secret{key, {}};
    for (const auto& [user, other] : state.resources) {
      const auto* repository = std::get_if<GitRepository>(other.resource.get());
      if (repository != nullptr && user.namespace_ == key.namespace_ &&
          repository->spec.secret == key.name) {
        secret.needed_by.push_back(user.ToString());
      }
    }
    lost.push_back(std::move(secret));
  }
  return lost;
}

}  // namespace lockstep
