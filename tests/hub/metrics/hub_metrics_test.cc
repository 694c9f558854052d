#include "hub/metrics/hub_metrics.h"

#include "tests/testing/metrics_page.h"

namespace lockstep {
namespace {

class HubMetricsTest : public testing::Test {
 protected:
  MetricRegistry registry_;
  HubMetrics metrics_{&registry_};
};

TEST_F(HubMetricsTest, AreAllOnThePage) { ExpectMetricsPageLists(registry_, "## Hub"); }

TEST_F(HubMetricsTest, FollowPrometheusRules) {
  registry_.AddProcess();
  ExpectPromtoolIsContent(registry_);
}

}  // namespace
}  // namespace lockstep
