#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>

#include "common/bundle/delta.h"
#include "common/bundle/manifest.h"
#include "hub/core/origins.h"

namespace lockstep {

/// One application of a cluster, as the planner sees it.
struct PlannedApplication {
  std::string name;      // NAMESPACE/NAME.
  ManifestPtr assigned;  // What it is assigned now; empty where nothing was or where it lets go.
  OriginsPtr assigned_origins;
  ManifestPtr candidate;  // What is to become of it; null: nothing new.
  OriginsPtr candidate_origins;
  /// It lets go of `assigned` without a delete (deletionPolicy: Orphan): nothing can be lost by
  /// that.
  bool orphans = false;
};

/// All applications of one cluster. Names are distinct; no key is assigned twice.
struct ClusterView {
  std::vector<PlannedApplication> applications;
};

/// About one application that has a candidate.
struct ReleaseDecision {
  std::string application;
  bool accepted = false;
  std::string refusal;  // A sentence naming both files.
};

/// How a manifest becomes another; a cache in the hub, ComputeDelta in tests.
using DiffManifests = absl::FunctionRef<std::shared_ptr<const BundleDelta>(const Manifest& base,
                                                                           const Manifest& target)>;

/// Which of the candidates of a cluster go ahead now: the place where the rollout planner will sit.
///
/// Every application would like its candidate. A candidate is refused where it adds a key that
/// another application names afterwards, or that the candidate of another adds as well (then both
/// are); and where it drops a key that a refused candidate adds, since a tombstone for a claimed
/// object never goes alone. Refused applications keep what they have. Refusing one can only refuse
/// more, so this ends, with the largest set that can go, whatever the order. SECURITY G-17, G-18.
///
/// Work is proportional to what the candidates add and drop, not to what they hold.
std::vector<ReleaseDecision> PlanReleases(const ClusterView& view, DiffManifests diff);

}  // namespace lockstep
