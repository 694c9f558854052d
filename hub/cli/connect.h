#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "hub/cli/client.h"
#include "hub/cli/command.h"

namespace lockstep {

/// A client for the context that the flags choose: $LOCKSTEP_CONFIG or the default file where no
/// flag names one.
///
/// Errors: those of the context file, with what to do about them; the connection itself is made by
/// the first call.
absl::StatusOr<std::unique_ptr<FleetClient>> ConnectToHub(const GlobalFlags& flags);

}  // namespace lockstep
