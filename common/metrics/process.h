#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "common/metrics/metrics.h"

namespace lockstep {

/// The process' own metrics, read from /proc/self each time, under the names every Prometheus
/// client gives them. What cannot be read is left out.
class ProcessMetrics {
 public:
  std::vector<prometheus::MetricFamily> Collect() const;
  std::vector<MetricDescription> Describe() const;
};

}  // namespace lockstep
