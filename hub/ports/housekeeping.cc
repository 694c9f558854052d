#include "hub/ports/housekeeping.h"

#include <absl/container/flat_hash_set.h>

#include "common/base/log.h"
#include "common/base/status.h"
#include "hub/record/chain.h"

namespace lockstep {
namespace {

using Digests = absl::flat_hash_set<Digest>;

void KeepManifest(const ManifestPtr& manifest, Digests* keep) {
  if (manifest == nullptr || !keep->insert(manifest->digest()).second) return;
  for (const ManifestEntry& entry : manifest->entries()) keep->insert(entry.blob);
}

void KeepInstance(const Instance& instance, Digests* keep) {
  KeepManifest(instance.assignment.manifest, keep);
  KeepManifest(instance.before, keep);
  KeepManifest(instance.received.manifest, keep);
  if (instance.assignment.origins != nullptr) keep->insert(instance.assignment.origins->digest());
  if (!instance.waiting.has_value()) return;
  KeepManifest(instance.waiting->manifest, keep);
  if (instance.waiting->origins != nullptr) keep->insert(instance.waiting->origins->digest());
}

}  // namespace

absl::Status SweepStore(Store* store, const HubState& state, absl::Time now) {
  LOCKSTEP_ASSIGN_OR_RETURN(const SweepResult links, PruneChain(store, now - kChainKept));
  if (!state.quarantined.empty()) return absl::OkStatus();
  Digests keep;
  for (const auto& [name, cluster] : state.clusters) {
    for (const auto& [application, instance] : cluster.instances) KeepInstance(instance, &keep);
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const SweepResult blobs, SweepBlobs(store, [&](const Digest& digest) {
                              return keep.contains(digest);
                            }));
  if (links.deleted + blobs.deleted > 0) {
    Log(LogLevel::kInfo, "store swept",
        {{"links", links.deleted}, {"blobs", blobs.deleted}, {"bytes", blobs.bytes_freed}});
  }
  return absl::OkStatus();
}

}  // namespace lockstep
