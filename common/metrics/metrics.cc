#include "common/metrics/metrics.h"

#include <cstdio>
#include <cstdlib>

#include <absl/strings/match.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/metrics/process.h"

namespace lockstep {

void Counter::Increment(double by) { impl_->Increment(by); }
double Counter::value() const { return impl_->Value(); }
void Gauge::Set(double value) { impl_->Set(value); }
void Gauge::Add(double by) { impl_->Increment(by); }
double Gauge::value() const { return impl_->Value(); }
void Histogram::Observe(double value) { impl_->Observe(value); }

std::vector<double> DurationBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
          0.25,   0.5,     1,      2.5,   5,      10,    25,   50,    100};
}

std::vector<double> CountBuckets(double most) {
  std::vector<double> bounds;
  for (double bound = 1; bound <= most; bound *= 2) bounds.push_back(bound);
  return bounds;
}

struct MetricRegistry::Impl {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Throw};
  std::map<std::string, MetricDescription> descriptions;
  std::vector<std::unique_ptr<Counter>> counters;
  std::vector<std::unique_ptr<Gauge>> gauges;
  std::vector<std::unique_ptr<Histogram>> histograms;
  std::vector<std::unique_ptr<Labelled<Counter>>> labelled_counters;
  std::vector<std::unique_ptr<Labelled<Gauge>>> labelled_gauges;
  std::unique_ptr<ProcessMetrics> process;

  void Describe(const std::string& name, const std::string& type, const std::string& help,
                const std::string& label = "") {
    const bool named = absl::StartsWith(name, "lockstep_") &&
                       absl::EndsWith(name, "_total") == (type == "counter");
    if (!named || !descriptions.insert({name, {name, type, label, help}}).second) {
      std::fprintf(stderr, "metric \"%s\": its name is taken or breaks the naming rule\n",
                   name.c_str());
      std::abort();
    }
  }
};

MetricRegistry::MetricRegistry() : impl_(std::make_unique<Impl>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter* MetricRegistry::AddCounter(const std::string& name, const std::string& help) {
  impl_->Describe(name, "counter", help);
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
  return impl_->counters.emplace_back(new Counter(&family.Add({}))).get();
}

Gauge* MetricRegistry::AddGauge(const std::string& name, const std::string& help) {
  impl_->Describe(name, "gauge", help);
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  return impl_->gauges.emplace_back(new Gauge(&family.Add({}))).get();
}

Histogram* MetricRegistry::AddHistogram(const std::string& name, const std::string& help,
                                        const std::vector<double>& bounds) {
  impl_->Describe(name, "histogram", help);
  auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
  return impl_->histograms.emplace_back(new Histogram(&family.Add({}, bounds))).get();
}

Labelled<Counter>* MetricRegistry::AddCounter(const std::string& name, const std::string& help,
                                              const MetricLabel& label) {
  impl_->Describe(name, "counter", help, label.name);
  auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
  auto labelled = std::make_unique<Labelled<Counter>>();
  for (const std::string& value : label.values) {
    labelled->series_[value].reset(new Counter(&family.Add({{label.name, value}})));
  }
  const std::string other(kOtherLabelValue);
  labelled->series_[other].reset(new Counter(&family.Add({{label.name, other}})));
  return impl_->labelled_counters.emplace_back(std::move(labelled)).get();
}

Labelled<Gauge>* MetricRegistry::AddGauge(const std::string& name, const std::string& help,
                                          const MetricLabel& label) {
  impl_->Describe(name, "gauge", help, label.name);
  auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
  auto labelled = std::make_unique<Labelled<Gauge>>();
  for (const std::string& value : label.values) {
    labelled->series_[value].reset(new Gauge(&family.Add({{label.name, value}})));
  }
  const std::string other(kOtherLabelValue);
  labelled->series_[other].reset(new Gauge(&family.Add({{label.name, other}})));
  return impl_->labelled_gauges.emplace_back(std::move(labelled)).get();
}

void MetricRegistry::AddProcess() {
  impl_->process = std::make_unique<ProcessMetrics>();
  for (const MetricDescription& each : impl_->process->Describe()) {
    impl_->descriptions[each.name] = each;
  }
}

std::string MetricRegistry::Text() const {
  std::vector<prometheus::MetricFamily> families = impl_->registry.Collect();
  if (impl_->process != nullptr) {
    for (prometheus::MetricFamily& family : impl_->process->Collect()) {
      families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

std::vector<MetricDescription> MetricRegistry::Describe() const {
  std::vector<MetricDescription> all;
  for (const auto& [name, description] : impl_->descriptions) all.push_back(description);
  return all;
}

}  // namespace lockstep
