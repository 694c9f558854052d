#include <atomic>
#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>

#include <absl/strings/str_cat.h>

#include "common/base/random.h"
#include "tests/hub/store/small_disk.h"
#include "tests/hub/store/store_writer.h"

namespace lockstep {
namespace {

int Failed(absl::string_view what, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", std::string(what).c_str(), status.ToString().c_str());
  return kWriterFailed;
}

// Appends while the guard says that there is room, then fills the disk as somebody else would and
// goes on. Appending has to end with the error for a full disk; RocksDB may also end the process,
// where a compaction meets the full disk first (FAULTS M5).
int Write(const std::string& path, std::atomic<uint64_t>* acknowledged) {
  const auto store = RocksStore::Open(path, DiskOptions());
  if (!store.ok()) return kWriterRefused;
  const auto append = [&] {
    Batch batch;
    batch.Put(Family::kAssignment, absl::StrCat("key ", acknowledged->load()), RandomBytes(50'000));
    absl::Status status = (*store)->Append(batch);
    if (status.ok()) ++*acknowledged;
    return status;
  };
  absl::Status status;
  while (status.ok() && (*store)->CheckRoom().ok()) status = append();
  // What the guard leaves of the disk: it says no neither at once nor too late.
  if (*acknowledged < 200) return Failed("stopped early", status);
  // A compaction may give room back, so the disk is filled again before every append; the check
  // gives up the reserve.
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    const absl::Status filled = FillDisk(DirName(path), 2 << 20);
    if (!filled.ok() && !absl::IsResourceExhausted(filled)) return Failed("filling", filled);
    (*store)->CheckRoom().IgnoreError();
    status = append();
  }
  const bool said =
      absl::IsResourceExhausted(status) && absl::StrContains(status.message(), "start again");
  return said ? 0 : Failed("appending to a full disk", status);
}

}  // namespace
}  // namespace lockstep

/// disk_writer STORE ACKNOWLEDGED-FILE
int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int fd = open(argv[2], O_RDWR | O_CLOEXEC);
  void* const memory =
      mmap(nullptr, sizeof(std::atomic<uint64_t>), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 2;
  return lockstep::Write(argv[1], static_cast<std::atomic<uint64_t>*>(memory));
}
