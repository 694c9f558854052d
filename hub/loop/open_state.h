#pragma once

#include <absl/status/statusor.h>

#include "hub/core/load.h"
#include "hub/store/store.h"

namespace lockstep {

/// LoadState from a store; `options.at` is filled in here. Records that were put aside are logged.
absl::StatusOr<HubState> OpenState(const Store& store, LoadOptions options);

}  // namespace lockstep
