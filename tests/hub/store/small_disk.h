#pragma once

#include <string>
#include <sys/mount.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "hub/store/disk_guard.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"

namespace lockstep {

/// Fills the file system of `directory` with files "hog…" until at most `free_bytes` are left.
inline absl::Status FillDisk(const std::string& directory, uint64_t free_bytes) {
  for (int hog = 0;; ++hog) {
    const absl::StatusOr<DiskSpace> space = ProbeDisk(directory);
    if (!space.ok()) return space.status();
    if (space->free_bytes <= free_bytes) return absl::OkStatus();
    const std::string path = absl::StrCat(directory, "/hog", hog);
    if (PathExists(path)) continue;
    const absl::Status written =
        WriteFileAtomic(path, std::string(64 << 10, 'x'), Durability::kNone);
    if (!written.ok()) return written;
  }
}

/// A small disk of its own; where it cannot be made, Mount says so and the test is skipped.
class SmallDisk : public testing::Test {
 protected:
  ~SmallDisk() override {
    if (mounted_) umount2(directory_.root().c_str(), MNT_DETACH);
  }
  bool Mount(const char* options) {
    mounted_ = mount("tmpfs", directory_.root().c_str(), "tmpfs", 0, options) == 0;
    return mounted_;
  }

  StoreDirectory directory_;
  bool mounted_ = false;
};

}  // namespace lockstep
