#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lockstep/v1/fleet.pb.h"

#include "common/render/path.h"
#include "common/render/plain.h"
#include "common/render/snapshot.h"
#include "hub/core/state.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/pull_stream.h"

namespace lockstep {

/// What a revision would change on which cluster: renders the application for one cluster after
/// another on the pool, and compares with what the cluster is assigned now. Only for this folder's
/// own files.
class DiffStream : public PullStream<v1::DiffResponse> {
 public:
  DiffStream(NamespacedName application, std::string revision, std::string cluster,
             const FleetServiceParts* parts)
      : parts_(parts),
        name_(std::move(application)),
        revision_(std::move(revision)),
        cluster_(std::move(cluster)) {}

 protected:
  void Next() override;

 private:
  /// One cluster that the application is placed on.
  struct Target {
    ClusterFacts facts;
    ManifestPtr now = EmptyManifest();
  };

  absl::Status Collect(const HubState& state);
  absl::Status FindRevision();
  void Compare();
  absl::Status CompareCluster(const Target& target);
  absl::StatusOr<RenderedSet> Render(const Target& target) const;
  absl::Status Describe(const Target& target, const RenderedSet& next);
  void AddFields(const ObjectKey& key, const Digest& before, const Digest& after,
                 const RenderedSet& next, v1::ObjectChange* change) const;
  v1::DiffResponse* Message(const Target& target);

  // Fixed at construction.
  const FleetServiceParts* const parts_;
  const NamespacedName name_;
  std::string revision_;  // As asked for, then as found.
  const std::string cluster_;

  // Whatever is under way owns these.
  bool collected_ = false;
  Application application_;
  effect::StartFetch repository_;
  std::string commit_;  // The newest of the repository, until the revision is found.
  std::shared_ptr<const Snapshot> snapshot_;
  std::deque<Target> targets_;
  std::deque<v1::DiffResponse> ready_;
};

}  // namespace lockstep
