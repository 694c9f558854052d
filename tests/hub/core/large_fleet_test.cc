// What people ask of a fleet of ten thousand.
#include <chrono>
#include <cstdio>

#include <absl/strings/str_cat.h>

#include "common/bundle/key_list.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

// Every cluster of a large fleet holds a list, and a person approves all that was shown. Prints how
// long the loop is held up.
TEST(LargeFleet, TenThousandListsAreApprovedInOneStep) {
  constexpr int kClusters = 10'000;
  Fleet fleet;
  fleet.AddRepository();
  fleet.Apply(fleet.MakeApplication("web"));
  std::vector<Resource> clusters;
  for (int i = 0; i < kClusters; ++i) {
    Cluster cluster;
    cluster.meta.name = absl::StrCat("c-", i);
    clusters.emplace_back(std::move(cluster));
  }
  ASSERT_OK(fleet.TryApply(std::move(clusters)));
  const std::vector<ObjectKey> held = {{"", "ConfigMap", "shop", "a"}};
  command::ApproveDeletes approve{.application = {"shop", "web"}};
  for (auto& [name, cluster] : fleet.state.clusters) {
    Instance& instance = cluster.instances.at("shop/web");
    instance.assignment.generation = 1;
    instance.report.emplace().held = held;
    approve.expected.push_back({name, KeyListDigest(held)});
  }
  const auto began = std::chrono::steady_clock::now();
  ASSERT_OK(fleet.Do(approve).status());
  const auto took = std::chrono::steady_clock::now() - began;
  std::printf(
      "an approval of 10,000 lists: %lld ms\n",
      static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  for (const auto& [name, cluster] : fleet.state.clusters) {
    const Assignment& assignment = cluster.instances.at("shop/web").assignment;
    ASSERT_EQ(assignment.generation, 2);
    ASSERT_EQ(assignment.approved, KeyListDigest(held));
  }
}

}  // namespace
}  // namespace lockstep
