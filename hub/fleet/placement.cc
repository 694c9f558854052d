#include "hub/fleet/placement.h"

#include <algorithm>

namespace lockstep {

bool IsPlaced(const Placement& placement, absl::string_view cluster, const Labels& labels) {
  return std::binary_search(placement.clusters.begin(), placement.clusters.end(), cluster) ||
         (placement.selector.has_value() && placement.selector->Matches(labels));
}

PlacedClusters SelectClusters(const Placement& placement,
                              const std::map<std::string, Labels>& clusters) {
  PlacedClusters placed;
  for (const std::string& name : placement.clusters) {
    (clusters.contains(name) ? placed.known : placed.unknown).insert(name);
  }
  if (!placement.selector.has_value()) return placed;
  for (const auto& [name, labels] : clusters) {
    if (placement.selector->Matches(labels)) placed.known.insert(name);
  }
  return placed;
}

}  // namespace lockstep
