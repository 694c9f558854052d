#include "common/metrics/metrics.h"

#include "tests/testing/metrics_page.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Metrics, PrintsWhatWasCounted) {
  MetricRegistry registry;
  Counter* const counter = registry.AddCounter("lockstep_things_total", "Things.");
  Gauge* const gauge = registry.AddGauge("lockstep_level", "Level.");
  Histogram* const histogram =
      registry.AddHistogram("lockstep_wait_seconds", "Waits.", {0.1, 1, 10});
  counter->Increment();
  counter->Increment(2);
  gauge->Set(5);
  gauge->Add(-1.5);
  histogram->Observe(absl::Milliseconds(500));
  EXPECT_EQ(counter->value(), 3);
  EXPECT_EQ(gauge->value(), 3.5);
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("# HELP lockstep_things_total Things.\n"
                              "# TYPE lockstep_things_total counter\n"
                              "lockstep_things_total 3\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_level 3.5\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_wait_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_wait_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_wait_seconds_sum 0.5\n"));
}

TEST(Metrics, HasOneSeriesPerDeclaredValueAndOneForTheRest) {
  MetricRegistry registry;
  Labelled<Counter>* const fetches =
      registry.AddCounter("lockstep_fetches_total", "Fetches.", {"result", {"ok", "failed"}});
  fetches->With("ok").Increment();
  fetches->With("from an attacker 1").Increment();
  fetches->With("from an attacker 2").Increment();
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("lockstep_fetches_total{result=\"ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_fetches_total{result=\"failed\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("lockstep_fetches_total{result=\"other\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("attacker")));
}

TEST(Metrics, DescribesWhatItHoldsInOrder) {
  MetricRegistry registry;
  registry.AddGauge("lockstep_b", "B.", {"state", {"x"}});
  registry.AddCounter("lockstep_a_total", "A.");
  EXPECT_EQ(MetricRows(registry),
            "| Name | Type | Label | Meaning |\n|---|---|---|---|\n"
            "| `lockstep_a_total` | counter |  | A. |\n"
            "| `lockstep_b` | gauge | state | B. |\n");
}

TEST(Metrics, CountBucketsDouble) {
  EXPECT_THAT(CountBuckets(10), testing::ElementsAre(1, 2, 4, 8));
}

TEST(Metrics, KnowsTheProcess) {
  MetricRegistry registry;
  registry.AddProcess();
  const std::string text = registry.Text();
  for (const MetricDescription& each : registry.Describe()) {
    EXPECT_THAT(text, HasSubstr("# TYPE " + each.name + " " + each.type + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("lockstep_build_info{version=\""));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
  EXPECT_THAT(text, Not(HasSubstr("process_open_fds 0\n")));
}

TEST(Metrics, ProcessMetricsAreOnThePage) {
  MetricRegistry registry;
  registry.AddProcess();
  ExpectMetricsPageLists(registry, "## Both");
}

TEST(MetricsDeathTest, RefusesNamesOutsideTheRule) {
  MetricRegistry registry;
  registry.AddCounter("lockstep_a_total", "");
  EXPECT_DEATH(registry.AddCounter("lockstep_a_total", ""), "lockstep_a_total");
  EXPECT_DEATH(registry.AddCounter("lockstep_b", ""), "naming rule");
  EXPECT_DEATH(registry.AddGauge("lockstep_b_total", ""), "naming rule");
  EXPECT_DEATH(registry.AddGauge("b", ""), "naming rule");
}

}  // namespace
}  // namespace lockstep
