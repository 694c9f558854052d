#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lockstep {

/// What a file system has left.
struct DiskSpace {
  uint64_t free_bytes = 0;
  uint64_t total_bytes = 0;
  uint64_t free_files = 0;   // Inodes.
  uint64_t total_files = 0;  // 0: the file system has no such limit.
};

/// Asks the file system that holds a directory; a test puts its own in.
using DiskProbe = std::function<absl::StatusOr<DiskSpace>(const std::string& directory)>;
absl::StatusOr<DiskSpace> ProbeDisk(const std::string& directory);

/// Stops the hub from writing before its disk is full: RocksDB aborts the process on a full disk,
/// and again at every start (FAULTS M5). A file of `reserve_bytes` stands by, to be given up when
/// even what runs in the background (flushes, compactions) would run out, and at a start on a full
/// disk; it is made again when there is room.
///
/// Threads: the one that appends.
class DiskGuard {
 public:
  struct Options {
    uint64_t free_bytes_min = 0;  // Below this the hub is read-only.
    uint64_t free_files_min = 64;
    uint64_t reserve_bytes = 0;  // 0: no reserve file.
    DiskProbe probe = ProbeDisk;
  };

  /// `directory` is where the store lies; the reserve file is DIRECTORY.reserve.
  DiskGuard(std::string directory, Options options);

  /// Before the store is opened: gives up the reserve if the disk is full. RESOURCE_EXHAUSTED if it
  /// is full even so.
  absl::Status PrepareToOpen();

  /// OK, or RESOURCE_EXHAUSTED while there is too little room. It ends only when a quarter more
  /// than the least is free, so that it does not flicker. Keeps the reserve file in order.
  absl::Status Check();

  /// RESOURCE_EXHAUSTED if writing `bytes` more could leave less than `free_bytes_min`.
  absl::Status CheckRoomFor(uint64_t bytes) const;

  /// RESOURCE_EXHAUSTED if writing `bytes` more could fill the disk.
  absl::Status CheckAppend(uint64_t bytes) const;

 private:
  absl::Status MakeReserve();

  // Fixed at construction.
  const std::string directory_;
  const std::string reserve_path_;
  const Options options_;

  bool read_only_ = false;
  bool reserved_ = false;
};

}  // namespace lockstep
