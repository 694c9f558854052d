#pragma once

#include <string>

#include <absl/status/status.h>

#include "hub/core/state.h"
#include "hub/store/secret_box.h"

namespace lockstep {

/// Where the hub's own resources come from (RESOURCES, From Git).
struct ConfigSource {
  std::string url;
  std::string branch;            // Empty: the remote's HEAD.
  std::string credentials_file;  // A Secret manifest of mode 0600; empty: none.
};

/// Puts the repository lockstep-system/config and its credentials into `settings`.
///
/// Errors: INVALID_ARGUMENT for a URL or branch that is none, or a file that holds no single
/// Secret; FAILED_PRECONDITION where others may read the file.
absl::Status ConfigureSource(const ConfigSource& source, const SecretBox& box,
                             HubSettings* settings);

}  // namespace lockstep
