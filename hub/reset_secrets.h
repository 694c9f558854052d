#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "hub/secrets/lost.h"

namespace lockstep {

enum class Loss : uint8_t { kShow, kAccept };

struct SecretsReset {
  std::vector<LostSecret> lost;  // To be applied again.
  bool key_is_there = false;     // It can be read: nothing was made.
  std::string put_aside;         // Where a key file that holds no key went; empty for none.
};

/// For a hub whose key of the Secrets is lost or damaged, and which is not running: says which
/// Secrets are lost with it, and with Loss::kAccept makes a new key. The store is left as it is: a
/// lost Secret counts again once it was applied again, and a key that is found after all opens what
/// it sealed.
///
/// NOT_FOUND where there is no hub; FAILED_PRECONDITION while it runs.
absl::StatusOr<SecretsReset> ResetSecrets(const std::string& data_directory, Loss loss);

}  // namespace lockstep
