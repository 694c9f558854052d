#include "hub/store/disk_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <utility>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

std::string Megabytes(uint64_t bytes) { return absl::StrCat(bytes >> 20, " MiB"); }

}  // namespace

absl::StatusOr<DiskSpace> ProbeDisk(const std::string& directory) {
  struct statvfs info;
  if (statvfs(directory.c_str(), &info) != 0) {
    return FileError(errno, "asking the room of", directory);
  }
  return DiskSpace{.free_bytes = info.f_bavail * info.f_frsize,
                   .total_bytes = info.f_blocks * info.f_frsize,
                   .free_files = info.f_favail,
                   .total_files = info.f_files};
}

DiskGuard::DiskGuard(std::string directory, Options options)
    : directory_(std::move(directory)),
      reserve_path_(absl::StrCat(directory_, ".reserve")),
      options_(std::move(options)) {
  struct stat info;
  reserved_ = stat(reserve_path_.c_str(), &info) == 0 &&
              static_cast<uint64_t>(info.st_size) >= options_.reserve_bytes;
}

absl::Status DiskGuard::PrepareToOpen() {
  LOCKSTEP_ASSIGN_OR_RETURN(DiskSpace space, options_.probe(DirName(directory_)));
  // Opening replays the log into tables, which takes as much room as the least that is kept free.
  if (space.free_bytes >= options_.free_bytes_min / 2) return absl::OkStatus();
  if (PathExists(reserve_path_)) {
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(reserve_path_));
    reserved_ = false;
    LOCKSTEP_ASSIGN_OR_RETURN(space, options_.probe(DirName(directory_)));
    if (space.free_bytes >= options_.free_bytes_min / 2) return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "opening the store \"", directory_, "\": its disk is full (", Megabytes(space.free_bytes),
      " free, ", Megabytes(options_.free_bytes_min), " needed); free some room and start again"));
}

absl::Status DiskGuard::Check() {
  LOCKSTEP_ASSIGN_OR_RETURN(const DiskSpace space, options_.probe(DirName(directory_)));
  const uint64_t enough = options_.free_bytes_min + (read_only_ ? options_.free_bytes_min / 4 : 0);
  const bool files = space.total_files == 0 || space.free_files >= options_.free_files_min;
  const bool was_read_only = std::exchange(read_only_, space.free_bytes < enough || !files);
  if (read_only_ != was_read_only) {
    Log(read_only_ ? LogLevel::kError : LogLevel::kInfo,
        read_only_ ? "disk too full, read-only until there is room" : "disk has room again",
        {{"store", directory_}, {"free_bytes", space.free_bytes}});
  }
  if (reserved_ && space.free_bytes < options_.free_bytes_min / 2) {
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(reserve_path_));
    reserved_ = false;
  }
  if (!reserved_ && !read_only_ && space.free_bytes >= enough + options_.reserve_bytes) {
    LOCKSTEP_RETURN_IF_ERROR(MakeReserve());
  }
  if (!read_only_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the disk of \"", directory_, "\" is too full: ", Megabytes(space.free_bytes), " and ",
      space.free_files, " files free, ", Megabytes(enough), " and ", options_.free_files_min,
      " needed; the hub is read-only until there is room, agents keep what they run"));
}

absl::Status DiskGuard::CheckRoomFor(uint64_t bytes) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const DiskSpace space, options_.probe(DirName(directory_)));
  // Written twice: into the log, and into a table.
  const uint64_t needed = 2 * bytes + options_.free_bytes_min;
  if (space.free_bytes >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(Megabytes(bytes),
                                                   " more do not fit on the disk of \"", directory_,
                                                   "\": ", Megabytes(space.free_bytes), " free, ",
                                                   Megabytes(needed), " needed; free some room"));
}

absl::Status DiskGuard::CheckAppend(uint64_t bytes) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const DiskSpace space, options_.probe(DirName(directory_)));
  // Half of the least is left to what runs in the background.
  if (space.free_bytes >= 2 * bytes + options_.free_bytes_min / 2) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("appending ", bytes, " bytes to \"", directory_, "\": only ", space.free_bytes,
                   " bytes are free; free some room and start again"));
}

absl::Status DiskGuard::MakeReserve() {
  if (options_.reserve_bytes == 0) return absl::OkStatus();
  OwnedFd fd(open(reserve_path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return FileError(errno, "creating", reserve_path_);
  const int error = posix_fallocate(fd.get(), 0, static_cast<off_t>(options_.reserve_bytes));
  reserved_ = error == 0;
  if (reserved_) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(RemoveFile(reserve_path_));
  // Somebody else took the room in between; the next check tells.
  return error == ENOSPC ? absl::OkStatus() : FileError(error, "reserving room in", reserve_path_);
}

}  // namespace lockstep
