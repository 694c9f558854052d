#pragma once

#include <string>
#include <vector>

#include "hub/core/state.h"
#include "hub/store/secret_box.h"

namespace lockstep {

/// A stored Secret that the present key does not open.
struct LostSecret {
  ResourceKey key;
  std::vector<std::string> needed_by;  // GitRepositories, as people name them.
};

/// Those of `state`, by name. A null `box`: there is no key, and no Secret is opened.
std::vector<LostSecret> FindLostSecrets(const HubState& state, const SecretBox* box);

}  // namespace lockstep
