#pragma once

#include <absl/status/statusor.h>

#include "lockstep/v1/fleet.pb.h"

#include "hub/core/event.h"
#include "hub/rpc/fleet_service.h"

namespace lockstep {

/// Reads the request's files and seals its Secrets, so that no plain value goes further.
/// INVALID_ARGUMENT with every error of every file, a line each. Only for this folder's own files.
absl::StatusOr<command::Apply> ReadApply(const v1::ApplyRequest& request,
                                         const FleetServiceParts& parts);

}  // namespace lockstep
