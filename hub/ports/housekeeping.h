#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "hub/core/state.h"
#include "hub/store/store.h"

namespace lockstep {

/// Drops what nothing names any more: blobs that no assignment, past or waiting, and no agent's
/// received target names, and chain links older than kChainKept. Once per start, after the state
/// was loaded and before the loop: a rendering under way leaves out blobs that the store has, and
/// must find them there later.
///
/// Does nothing where records were put aside: they may name anything. Errors as SweepBlobs; the hub
/// must not go on then.
absl::Status SweepStore(Store* store, const HubState& state, absl::Time now);

}  // namespace lockstep
