#include "hub/ports/hub_gauges.h"

#include <map>
#include <string>

#include <absl/strings/ascii.h>

#include "hub/core/instances.h"
#include "hub/rollup/rollup.h"
#include "hub/store/disk_guard.h"

namespace lockstep {
namespace {

constexpr absl::Duration kCountInterval = absl::Seconds(1);

constexpr ShownState kShownStates[] = {
    ShownState::kStalled, ShownState::kDegraded,  ShownState::kHeld,      ShownState::kOffline,
    ShownState::kUnknown, ShownState::kDeleting,  ShownState::kPending,   ShownState::kProgressing,
    ShownState::kSynced,  ShownState::kOutOfSync, ShownState::kSuspended,
};

}  // namespace

void HubGauges::Update(const Loop::BatchStats& stats, const HubState& state) {
  if (stats.bytes > 0) {
    metrics_->commit_duration->Observe(stats.append);
    metrics_->commit_events->Observe(static_cast<double>(stats.events));
    metrics_->commit_batches->With(stats.decisions ? "decisions" : "observations").Increment();
  }
  metrics_->commit_counter->Set(static_cast<double>(state.at.counter));
  metrics_->behind->Set(state.behind.agents.empty() ? 0 : 1);
  metrics_->agents_connected->Set(static_cast<double>(state.sessions.size()));
  metrics_->store_read_only->Set(state.read_only ? 1 : 0);
  metrics_->records_quarantined->Set(static_cast<double>(state.quarantined.size()));
  if (clock_->Monotonic() - counted_ < kCountInterval) return;
  counted_ = clock_->Monotonic();
  metrics_->store_bytes->Set(static_cast<double>(store_->ApproximateBytes()));
  if (const absl::StatusOr<DiskSpace> space = ProbeDisk(store_path_); space.ok()) {
    metrics_->store_free_bytes->Set(static_cast<double>(space->free_bytes));
  }
  CountFleet(state);
}

void HubGauges::CountFleet(const HubState& state) {
  std::map<ShownState, int> by_state;
  size_t applications = 0;
  size_t held = 0;
  for (const auto& [key, resource] : state.resources) {
    if (key.kind != ResourceKind::kApplication) continue;
    ++applications;
    for (const auto& [shown, count] : ViewApplication(state, resource).by_state)
      by_state[shown] += count;
  }
  for (const auto& [name, cluster] : state.clusters) {
    for (const auto& [application, instance] : cluster.instances) {
      if (instance.report.has_value()) held += instance.report->held.size();
    }
  }
  for (const ShownState shown : kShownStates) {
    metrics_->assignments->With(absl::AsciiStrToLower(ShownStateName(shown))).Set(by_state[shown]);
  }
  int failed = 0;
  int suspended = 0;
  for (const auto& [name, source] : state.sources) {
    const ResourceState* repository =
        state.FindResource({ResourceKind::kGitRepository, name.namespace_, name.name});
    if (repository != nullptr && IsSuspended(*repository)) {
      ++suspended;
    } else if (!source.error.ok()) {
      ++failed;
    }
  }
  metrics_->source_repositories->With("failed").Set(failed);
  metrics_->source_repositories->With("suspended").Set(suspended);
  metrics_->source_repositories->With("ready").Set(static_cast<double>(state.sources.size()) -
                                                   failed - suspended);
  metrics_->applications->Set(static_cast<double>(applications));
  metrics_->clusters->Set(static_cast<double>(state.clusters.size()));
  metrics_->deletes_held->Set(static_cast<double>(held));
}

}  // namespace lockstep
