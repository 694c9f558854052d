#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "hub/core/effect.h"
#include "hub/core/state.h"

/// What others ask of the state, on the loop thread (Loop::Read).
namespace lockstep {

/// Whether the agent of `cluster` may have the blob `digest`: only what its present or previous
/// assignments name (objects, manifests, options). SECURITY D-3.
bool MayFetch(const HubState& state, absl::string_view cluster, const Digest& digest);

/// The delta document `digest`, if a Desired under way to the agent of `cluster` refers to it and
/// it is still at hand (a hub that let go of it sends the target anew when the agent says so).
/// Null otherwise. SECURITY D-3.
BlobBytes FindDocument(const HubState& state, absl::string_view cluster, const Digest& digest);

/// All of `digests` for the agent of `cluster`, which shows this key: the documents among them; the
/// others lie in the store. Errors: as CheckIdentity; NOT_FOUND names a digest that is not for it.
absl::StatusOr<std::map<Digest, BlobBytes>> AllowFetch(const HubState& state,
                                                       absl::string_view cluster,
                                                       const Digest& fingerprint,
                                                       const std::vector<Digest>& digests);

/// Whether this key is the enrolled one of the cluster: for renewal and for the endpoint's proof of
/// the key. PERMISSION_DENIED says why not (removed, revoked, another key).
absl::Status CheckIdentity(const HubState& state, absl::string_view cluster,
                           const Digest& fingerprint);

/// The deletes that wait for an approval of the application (NAMESPACE/NAME), by cluster.
std::vector<reply::HeldList> HeldLists(const HubState& state, absl::string_view application);

/// What agents report as left behind, by cluster and application; empty `cluster`: all.
std::vector<command::OrphanList> Orphans(const HubState& state, absl::string_view cluster);

/// The clusters where an application that goes has not let go yet.
std::vector<std::string> WaitingFor(const HubState& state, absl::string_view application);

/// NOT_FOUND, naming it, where there is no such resource; the hub's own configuration repository is
/// one.
absl::Status CheckExists(const HubState& state, const ResourceKey& key);

}  // namespace lockstep
