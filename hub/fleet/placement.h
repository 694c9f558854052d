#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "hub/fleet/resource.h"

namespace lockstep {

/// Where an application goes.
struct PlacedClusters {
  std::set<std::string> known;    // Of the clusters that were asked about.
  std::set<std::string> unknown;  // Named, but there is no such Cluster: shown as Pending.
};

/// `clusters` holds every Cluster's labels by its name.
PlacedClusters SelectClusters(const Placement& placement,
                              const std::map<std::string, Labels>& clusters);

/// Whether `placement` names or selects the cluster.
bool IsPlaced(const Placement& placement, absl::string_view cluster, const Labels& labels);

}  // namespace lockstep
