#include "tests/hub/store/store_writer.h"

#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>

#include <absl/strings/numbers.h>

#include "tests/hub/store/workload.h"
#include "tests/testing/unsynced_fs.h"

/// Appends a workload to a store, noting each acknowledged batch in shared memory, and kills itself
/// at a step:
///
///     store_writer STORE ACKNOWLEDGED-FILE SEED STEP
int main(int argc, char** argv) {
  uint64_t seed = 0;
  uint64_t step = 0;
  if (argc != 5 || !absl::SimpleAtoi(argv[3], &seed) || !absl::SimpleAtoi(argv[4], &step)) return 2;
  const int fd = open(argv[2], O_RDWR | O_CLOEXEC);
  void* const memory =
      mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 2;
  auto* const acknowledged = static_cast<std::atomic<uint64_t>*>(memory);

  const auto fs = std::make_shared<lockstep::UnsyncedFs>();
  const std::unique_ptr<rocksdb::Env> env = lockstep::MakeEnv(fs);
  lockstep::RocksOptions options = lockstep::SmallOptions();
  options.memory_bytes = 128 << 10;
  options.log_bytes_max = 256 << 10;
  options.env = env.get();
  fs->KillAfter(step);
  const auto store = lockstep::RocksStore::Open(argv[1], options);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.status().ToString().c_str());
    return absl::IsFailedPrecondition(store.status()) ? lockstep::kWriterLockedOut
                                                      : lockstep::kWriterRefused;
  }
  const lockstep::Workload workload(seed);
  while ((*store)->Append(workload.Nth(*acknowledged)).ok()) ++*acknowledged;
  return lockstep::kWriterFailed;
}
