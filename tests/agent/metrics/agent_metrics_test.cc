#include "agent/metrics/agent_metrics.h"

#include "tests/testing/metrics_page.h"

namespace lockstep {
namespace {

class AgentMetricsTest : public testing::Test {
 protected:
  MetricRegistry registry_;
  AgentMetrics metrics_{&registry_};
};

TEST_F(AgentMetricsTest, AreAllOnThePage) { ExpectMetricsPageLists(registry_, "## Agent"); }

TEST_F(AgentMetricsTest, FollowPrometheusRules) {
  registry_.AddProcess();
  ExpectPromtoolIsContent(registry_);
}

}  // namespace
}  // namespace lockstep
