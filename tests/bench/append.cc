// What one durable append costs, against the bare fdatasync it cannot do without: observations (log only) and decisions (log
// and mark), one record each and a thousand in one batch.
//
//   bench_append DIRECTORY     on the disk that is meant

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "hub/store/rocks_store.h"

namespace lockstep {
namespace {

constexpr int kRounds = 1000;

/// The median of one call, in microseconds.
double MedianOf(const std::function<void()>& call, int rounds = kRounds) {
  std::vector<double> micros;
  for (int i = 0; i < rounds; ++i) {
    const absl::Duration start = SystemClock()->Monotonic();
    call();
    micros.push_back(absl::ToDoubleMicroseconds(SystemClock()->Monotonic() - start));
  }
  std::nth_element(micros.begin(), micros.begin() + rounds / 2, micros.end());
  return micros[rounds / 2];
}

Batch BatchOf(Family family, int records) {
  Batch batch;
  for (int i = 0; i < records; ++i) {
    batch.Put(family, absl::StrCat("cluster-", i, "/shop/web"), std::string(160, 'x'));
  }
  return batch;
}

int Main(const std::string& directory) {
  const std::string path = directory + "/bench-append";
  const std::string file = path + ".floor";
  const OwnedFd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  const std::string record(200, 'x');
  const double floor = MedianOf([&] {
    if (write(fd.get(), record.data(), record.size()) < 0 || fdatasync(fd.get()) != 0) {
      std::perror("floor");
    }
  });
  auto store = RocksStore::Open(path, RocksOptions());
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return 1;
  }
  const auto append = [&](const Batch& batch, int rounds = kRounds) {
    return MedianOf(
        [&] {
          if (const absl::Status status = (*store)->Append(batch); !status.ok()) {
            std::fprintf(stderr, "%s\n", status.ToString().c_str());
          }
        },
        rounds);
  };
  const double observation = append(BatchOf(Family::kStatus, 1));
  const double decision = append(BatchOf(Family::kAssignment, 1));
  const double observations = append(BatchOf(Family::kStatus, 1000), kRounds / 10);
  std::printf("%-44s %9.0f µs\n", "append + fdatasync of a file (floor)", floor);
  std::printf("%-44s %9.0f µs  %.2f of the floor\n", "one observation (log)", observation,
              observation / floor);
  std::printf("%-44s %9.0f µs  %.2f of the floor\n", "one decision (log and mark)", decision,
              decision / floor);
  std::printf("%-44s %9.0f µs  %.0f rows/s\n", "1,000 observations in one batch", observations,
              1000 / observations * 1e6);
  store->reset();
  for (const char* suffix : {"", ".mark", ".lock", ".reserve", ".floor"}) {
    RemoveTree(path + suffix).IgnoreError();
  }
  return 0;
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2) return lockstep::Main(argv[1]);
  std::fputs("usage: bench_append DIRECTORY\n", stderr);
  return 2;
}
