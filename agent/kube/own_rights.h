#pragma once

#include <absl/status/statusor.h>

#include "agent/kube/access.h"
#include "common/base/clock.h"

namespace lockstep {

/// Whether the agent's own user may do everything on the cluster, as a cluster-admin may: more
/// than it needs, since whatever applications do is done as accounts of their own (SECURITY D-4).
/// Errors: UNAVAILABLE and others, as of any question to the server.
absl::StatusOr<bool> MayDoEverything(const KubeAccess& access, const Clock* clock);

}  // namespace lockstep
