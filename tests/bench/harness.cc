#include "tests/bench/harness.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/base/random.h"

namespace lockstep {

void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::fflush(stdout);
  std::fprintf(stderr, "error: %s\n", status.ToString().c_str());
  std::exit(1);
}

void MustBe(bool holds, absl::string_view what) {
  if (!holds) Must(absl::InternalError(what));
}

absl::Duration Now() { return SystemClock()->Monotonic(); }

void WaitUntil(absl::string_view what, absl::Duration limit, const std::function<bool()>& holds,
               absl::Duration every) {
  const absl::Duration begun = Now();
  while (!holds()) {
    MustBe(Now() - begun < limit,
           absl::StrCat("waiting for ", what, ": not within ", absl::FormatDuration(limit)));
    const timespec pause = absl::ToTimespec(every);
    ppoll(nullptr, 0, &pause, nullptr);
  }
}

absl::Duration Samples::Percentile(double share) const {
  MustBe(!samples_.empty(), "nothing was measured");
  std::vector<absl::Duration> sorted = samples_;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<size_t>(share * static_cast<double>(sorted.size()) + 0.999999);
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

std::string Samples::Row() const {
  return absl::StrFormat("p50 %8.2f  p90 %8.2f  p99 %8.2f  max %8.2f  (n = %d)",
                         Milliseconds(Percentile(0.5)), Milliseconds(Percentile(0.9)),
                         Milliseconds(Percentile(0.99)), Milliseconds(Percentile(1)),
                         samples_.size());
}

double Milliseconds(absl::Duration duration) { return absl::ToDoubleMilliseconds(duration); }

void Bars::AtMost(absl::string_view what, double value, absl::string_view unit, double bar) {
  const bool ok = value <= bar;
  ok_ = ok_ && ok;
  lines_.push_back(absl::StrFormat("%s%s%s: %.4g %s (bar %g) %s", name_, what.empty() ? "" : " ",
                                   what, value, unit, bar, ok ? "ok" : "short"));
}

int Bars::Print() const {
  std::printf("\n");
  for (const std::string& line : lines_) std::printf("%s\n", line.c_str());
  if (ok_) std::printf("%s: ok\n", name_.c_str());
  return ok_ ? 0 : 1;
}

ProcessMemory MemoryOf(pid_t pid) {
  const std::string text = Must(ReadFile(absl::StrCat("/proc/", pid, "/smaps_rollup")));
  const auto kilobytes = [&](absl::string_view name) -> int64_t {
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!absl::ConsumePrefix(&line, name)) continue;
      absl::ConsumeSuffix(&line, "kB");
      int64_t value = 0;
      MustBe(absl::SimpleAtoi(line, &value), "reading smaps_rollup");
      return value * 1024;
    }
    return 0;
  };
  return {kilobytes("Rss:"), kilobytes("Anonymous:")};
}

std::vector<std::string> ThreadsOf(pid_t pid) {
  const std::string folder = absl::StrCat("/proc/", pid, "/task");
  std::vector<std::string> names;
  for (const std::string& task : Must(ListDirectory(folder))) {
    const absl::StatusOr<std::string> name = ReadFile(absl::StrCat(folder, "/", task, "/comm"));
    if (name.ok()) names.emplace_back(absl::StripSuffix(*name, "\n"));
  }
  return names;
}

uint16_t FreePort() {
  // Not of those that the kernel gives to clients: one of a thousand that try to come back to a hub
  // that is down would sooner or later be given the hub's own port.
  constexpr uint64_t kFirst = 20000;
  constexpr uint64_t kCount = 12000;
  for (;;) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(kFirst + SystemRng()->Below(kCount)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      return ntohs(address.sin_port);
    }
  }
}

void PrepareForThousands() {
  ConfigureLog(LogLevel::kError, LogFormat::kText);
  setenv("GRPC_VERBOSITY", "NONE", 1);
  SkipLockOrderChecks();  // As our programs do; the floor too.
}

std::string Noise(uint64_t number, size_t bytes) {
  SeededRng random(number);
  std::string text = absl::StrCat(number, "-");
  while (text.size() < bytes) absl::StrAppend(&text, absl::Hex(random.Next(), absl::kZeroPad16));
  text.resize(std::max(bytes, size_t{24}));
  return text;
}

}  // namespace lockstep
