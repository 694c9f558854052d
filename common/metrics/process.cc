#include "common/metrics/process.h"

#include <optional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>

#include "common/base/file.h"

namespace lockstep {
namespace {

struct Row {
  const char* name;
  prometheus::MetricType type;
  const char* help;
};

constexpr Row kCpu = {"process_cpu_seconds_total", prometheus::MetricType::Counter,
                      "User and system CPU time spent in seconds."};
constexpr Row kResident = {"process_resident_memory_bytes", prometheus::MetricType::Gauge,
                           "Resident memory size in bytes."};
constexpr Row kVirtual = {"process_virtual_memory_bytes", prometheus::MetricType::Gauge,
                          "Virtual memory size in bytes."};
constexpr Row kOpen = {"process_open_fds", prometheus::MetricType::Gauge,
                       "Number of open file descriptors."};
constexpr Row kMost = {"process_max_fds", prometheus::MetricType::Gauge,
                       "Maximum number of open file descriptors."};
constexpr Row kThreads = {"process_threads", prometheus::MetricType::Gauge, "Number of threads."};
constexpr Row kStart = {"process_start_time_seconds", prometheus::MetricType::Gauge,
                        "Start time of the process since unix epoch in seconds."};
constexpr Row kBuild = {"lockstep_build_info", prometheus::MetricType::Gauge,
                        "Always 1; the label is the program's version."};

void Add(std::vector<prometheus::MetricFamily>* families, const Row& row,
         std::optional<double> value, std::vector<prometheus::ClientMetric::Label> labels = {}) {
  if (!value.has_value()) return;
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = *value;  // The serializer takes the one that the type names.
  metric.gauge.value = *value;
  families->push_back({row.name, row.help, row.type, {metric}});
}

/// When the machine started, in seconds since 1970.
std::optional<double> BootTime() {
  const absl::StatusOr<std::string> text = ReadFile("/proc/stat");
  if (!text.ok()) return std::nullopt;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    double seconds = 0;
    if (words.size() == 2 && words[0] == "btime" && absl::SimpleAtod(words[1], &seconds)) {
      return seconds;
    }
  }
  return std::nullopt;
}

/// The fields of /proc/self/stat after the command's name, which may hold anything: [0] is field 3,
/// the state.
std::vector<double> StatFields() {
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/stat");
  if (!text.ok()) return {};
  const size_t end = text->rfind(") ");
  if (end == std::string::npos) return {};
  std::vector<double> fields;
  for (const absl::string_view word : absl::StrSplit(text->substr(end + 2), ' ')) {
    double value = 0;
    fields.push_back(absl::SimpleAtod(word, &value) ? value : 0);
  }
  return fields;
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  // proc(5): utime 14, stime 15, num_threads 20, starttime 22, vsize 23, rss 24 (pages).
  if (const std::vector<double> stat = StatFields(); stat.size() > 24 - 3) {
    Add(&families, kCpu, (stat[14 - 3] + stat[15 - 3]) / ticks);
    Add(&families, kThreads, stat[20 - 3]);
    if (const std::optional<double> boot = BootTime(); boot.has_value()) {
      Add(&families, kStart, *boot + stat[22 - 3] / ticks);
    }
    Add(&families, kVirtual, stat[23 - 3]);
    Add(&families, kResident, stat[24 - 3] * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  if (const absl::StatusOr<std::vector<std::string>> open = ListDirectory("/proc/self/fd");
      open.ok()) {
    Add(&families, kOpen, static_cast<double>(open->size()) - 1);  // Not the one that lists.
  }
  if (rlimit limit; getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    Add(&families, kMost, static_cast<double>(limit.rlim_cur));
  }
  Add(&families, kBuild, 1, {{"version", LOCKSTEP_VERSION}});
  return families;
}

std::vector<MetricDescription> ProcessMetrics::Describe() const {
  std::vector<MetricDescription> all;
  for (const Row& row : {kCpu, kResident, kVirtual, kOpen, kMost, kThreads, kStart, kBuild}) {
    all.push_back({.name = row.name,
                   .type = row.type == prometheus::MetricType::Counter ? "counter" : "gauge",
                   .label = std::string(row.name == std::string(kBuild.name) ? "version" : ""),
                   .help = row.help});
  }
  return all;
}

}  // namespace lockstep
