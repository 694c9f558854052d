#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

/// What the benchmarks share: numbers, bars, waiting, and looking at processes.
namespace lockstep {

/// Ends the program where something did not work: a benchmark has nobody to report to.
void Must(const absl::Status& status);
template <typename T>
T Must(absl::StatusOr<T> value) {
  Must(value.status());
  return *std::move(value);
}
/// As Must, for what has no status.
void MustBe(bool holds, absl::string_view what);

/// The monotonic clock.
absl::Duration Now();

/// Looks until `holds`, every `every`; ends the program after `limit`.
void WaitUntil(absl::string_view what, absl::Duration limit, const std::function<bool()>& holds,
               absl::Duration every = absl::Milliseconds(5));

/// Measured durations.
class Samples {
 public:
  void Add(absl::Duration sample) { samples_.push_back(sample); }
  size_t size() const { return samples_.size(); }
  /// The smallest sample that `share` of all are not above; 0.5 is the median.
  absl::Duration Percentile(double share) const;
  absl::Duration Median() const { return Percentile(0.5); }
  /// "  p50 1.2   p90 1.9   p99 4.0   max 4.2   (n = 200)", in milliseconds.
  std::string Row() const;

 private:
  std::vector<absl::Duration> samples_;
};

double Milliseconds(absl::Duration duration);

/// The bars of one benchmark, printed at its end in the one form that all of them have.
class Bars {
 public:
  explicit Bars(std::string name) : name_(std::move(name)) {}

  /// `value` may be at most `bar`. `what` is empty where the benchmark has one bar.
  void AtMost(absl::string_view what, double value, absl::string_view unit, double bar);

  /// Prints all, and "NAME: ok" last if all of them hold; the program's exit code.
  int Print() const;

 private:
  std::string name_;
  std::vector<std::string> lines_;
  bool ok_ = true;
};

/// What a process has in memory, from /proc/PID/smaps_rollup, in bytes.
struct ProcessMemory {
  int64_t rss = 0;
  int64_t anonymous = 0;
};
ProcessMemory MemoryOf(pid_t pid);

/// Names of a process' threads, one per thread.
std::vector<std::string> ThreadsOf(pid_t pid);

/// A port of 127.0.0.1 that was free a moment ago.
uint16_t FreePort();

/// Makes this process ready to be a thousand clients: thousands of files and sockets, and no word
/// about each.
void PrepareForThousands();

/// Text of `bytes` bytes that nobody has seen before: `number` and a line of noise made from it.
std::string Noise(uint64_t number, size_t bytes);

}  // namespace lockstep
