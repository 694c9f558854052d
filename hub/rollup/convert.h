#pragma once

#include <absl/time/time.h>

#include "lockstep/v1/fleet.pb.h"
#include "lockstep/v1/resources.pb.h"

#include "hub/core/state.h"
#include "hub/rollup/rollup.h"

namespace lockstep {

enum class PerCluster : uint8_t { kNo, kYes };

/// The resource with its status, as `get` shows it. Of a Secret names, sizes and times only.
v1::Resource ToMessage(const HubState& state, const ResourceState& resource,
                       PerCluster per_cluster);

/// The repository that the hub's own configuration comes from, read-only: GitRepository
/// lockstep-system/config. Only where HubSettings has one.
v1::Resource ConfigRepositoryMessage(const HubState& state);

/// All but version, start and user, which the caller knows.
v1::GetHubResponse ToHubStatus(const HubState& state);

}  // namespace lockstep
