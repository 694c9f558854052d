#pragma once

#include <string>
#include <utility>

#include "common/base/clock.h"
#include "hub/loop/loop.h"
#include "hub/metrics/hub_metrics.h"
#include "hub/store/store.h"

namespace lockstep {

/// Sets the metrics that follow from the loop's batches and state. The loop thread's; what is
/// borrowed outlives it.
class HubGauges {
 public:
  HubGauges(HubMetrics* metrics, const Store* store, std::string store_path, const Clock* clock)
      : metrics_(metrics), store_(store), store_path_(std::move(store_path)), clock_(clock) {}

  /// After each batch. Counts the fleet at most once a second: that looks at every application on
  /// every cluster.
  void Update(const Loop::BatchStats& stats, const HubState& state);

 private:
  void CountFleet(const HubState& state);

  HubMetrics* const metrics_;
  const Store* const store_;
  const std::string store_path_;
  const Clock* const clock_;
  absl::Duration counted_ = -absl::InfiniteDuration();
};

}  // namespace lockstep
