#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/fleet/resource.h"

namespace lockstep {

// What a sealed Secret holds: for each key, by name, the length and bytes of the name and of the
// value; lengths are 4 bytes, big-endian.

std::string EncodeSecretData(const SecretData& data);

/// DATA_LOSS for anything that EncodeSecretData does not write.
absl::StatusOr<SecretData> DecodeSecretData(absl::string_view bytes);

}  // namespace lockstep
