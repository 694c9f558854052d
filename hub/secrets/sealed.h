#pragma once

#include <map>
#include <string>

#include <absl/status/statusor.h>

#include "hub/core/event.h"
#include "hub/fleet/resource.h"
#include "hub/store/secret_box.h"

namespace lockstep {

/// What the core keeps of a Secret: its data sealed under its own name, the names and sizes of its
/// keys, and a digest that tells equal data without telling the data.
SealedSecret SealSecret(const SecretBox& box, const ResourceKey& key, const SecretData& data);

/// The data again, by key. Errors as SecretBox::Unseal, with the Secret's name in front.
absl::StatusOr<std::map<std::string, std::string>> OpenSecret(const SecretBox& box,
                                                              const ResourceKey& key,
                                                              const SealedSecret& secret);

}  // namespace lockstep
