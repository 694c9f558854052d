#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// A file descriptor that is closed when it goes.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  ~OwnedFd() { Reset(); }
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset();

 private:
  int fd_ = -1;
};

/// The status for `error` (an errno) of a call on `path`: NOT_FOUND, ALREADY_EXISTS,
/// PERMISSION_DENIED, RESOURCE_EXHAUSTED for a full disk or quota, else INTERNAL. The message says
/// "`what` "path": reason".
absl::Status FileError(int error, absl::string_view what, absl::string_view path);

/// The whole file. RESOURCE_EXHAUSTED over `bytes_max`; other errors as FileError.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t bytes_max = int64_t{1} << 30);

/// What a write promises when it returns.
enum class Durability : uint8_t {
  kNone,    // Nothing: the caller syncs later, or does not care.
  kSynced,  // The bytes and the name are on the disk.
};

/// Writes `bytes` under a temporary name in the same directory (".lockstep-…"), then renames it
/// onto `path`: a reader sees the old file or the new one, whole. On an error the temporary file is
/// gone and `path` is as before.
absl::Status WriteFileAtomic(const std::string& path, absl::string_view bytes,
                             Durability durability, mode_t mode = 0644);

/// Flushes a directory's names to the disk.
absl::Status SyncDirectory(const std::string& path);

/// Makes `path` and what lacks above it. OK if it is there.
absl::Status MakeDirectories(const std::string& path, mode_t mode = 0755);

/// Removes a file; OK if it is not there.
absl::Status RemoveFile(const std::string& path);

/// Removes a directory and all below it, following no link; OK if it is not there.
absl::Status RemoveTree(const std::string& path);

/// The names in a directory, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);

/// Whether anything lies at `path` (a dangling link counts).
bool PathExists(const std::string& path);

/// A path's last part, and what is before it ("." if nothing).
std::string BaseName(absl::string_view path);
std::string DirName(absl::string_view path);

/// A new private directory (0700) below the system's temporary directory whose name begins with
/// `prefix`.
absl::StatusOr<std::string> MakeTemporaryDirectory(absl::string_view prefix);

}  // namespace lockstep
