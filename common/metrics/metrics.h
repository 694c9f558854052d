#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

/// What a program counts, in Prometheus' words, without its headers. A registry is filled once,
/// when the program starts; the metrics are then used from any thread and live as long as the
/// registry.
namespace lockstep {

/// Only grows: events since the start.
class Counter {
 public:
  void Increment(double by = 1);
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Counter(prometheus::Counter* impl) : impl_(impl) {}
  prometheus::Counter* const impl_;  // The registry's.
};

/// Goes up and down: how it is now.
class Gauge {
 public:
  void Set(double value);
  void Add(double by);
  double value() const;

 private:
  friend class MetricRegistry;
  explicit Gauge(prometheus::Gauge* impl) : impl_(impl) {}
  prometheus::Gauge* const impl_;  // The registry's.
};

/// How values are distributed over fixed buckets.
class Histogram {
 public:
  void Observe(double value);
  void Observe(absl::Duration seconds) { Observe(absl::ToDoubleSeconds(seconds)); }

 private:
  friend class MetricRegistry;
  explicit Histogram(prometheus::Histogram* impl) : impl_(impl) {}
  prometheus::Histogram* const impl_;  // The registry's.
};

/// Upper bounds in seconds for what takes 100 µs to 100 s.
std::vector<double> DurationBuckets();
/// Upper bounds 1, 2, 4, … up to `most`, for counts of things.
std::vector<double> CountBuckets(double most);

/// The name of the series that takes label values nobody declared.
inline constexpr absl::string_view kOtherLabelValue = "other";

/// Metrics of one name, one per value of one label. The values are declared, so that nothing from
/// outside can make series without end; an undeclared value counts as "other".
template <typename Metric>
class Labelled {
 public:
  Metric& With(absl::string_view value) {
    const auto found = series_.find(std::string(value));
    return *(found == series_.end() ? series_.find(std::string(kOtherLabelValue)) : found)->second;
  }

 private:
  friend class MetricRegistry;
  std::map<std::string, std::unique_ptr<Metric>> series_;
};

/// One label and all values it may have.
struct MetricLabel {
  std::string name;
  std::vector<std::string> values;
};

/// What a registry says of one metric: a row of docs/metrics.md.
struct MetricDescription {
  std::string name;
  std::string type;   // counter, gauge, histogram.
  std::string label;  // Empty: none.
  std::string help;
};

/// All metrics of one program. Names begin with "lockstep_"; counters end in "_total", units are
/// spelt out (_seconds, _bytes). Filled on one thread; Text from any.
class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  /// Adding a name twice or one outside the naming rule aborts: that is a mistake of the program.
  Counter* AddCounter(const std::string& name, const std::string& help);
  Gauge* AddGauge(const std::string& name, const std::string& help);
  Histogram* AddHistogram(const std::string& name, const std::string& help,
                          const std::vector<double>& bounds);
  Labelled<Counter>* AddCounter(const std::string& name, const std::string& help,
                                const MetricLabel& label);
  Labelled<Gauge>* AddGauge(const std::string& name, const std::string& help,
                            const MetricLabel& label);

  /// Adds the process' own: CPU, memory, descriptors, threads, start (process_…), and
  /// lockstep_build_info{version}.
  void AddProcess();

  /// The text format, version 0.0.4.
  std::string Text() const;

  /// In order of their names.
  std::vector<MetricDescription> Describe() const;

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
