#include "common/base/file.h"

#include <algorithm>
#include <atomic>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case EEXIST:
      return absl::StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status WriteAll(int fd, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FileError(errno, "writing", path);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status WriteNew(const std::string& path, absl::string_view bytes, Durability durability,
                      mode_t mode) {
  OwnedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.valid()) return FileError(errno, "creating", path);
  LOCKSTEP_RETURN_IF_ERROR(WriteAll(fd.get(), bytes, path));
  if (durability == Durability::kSynced && fdatasync(fd.get()) != 0)
    return FileError(errno, "syncing", path);
  if (close(fd.Release()) != 0) return FileError(errno, "closing", path);
  return absl::OkStatus();
}

absl::Status RemoveTreeAt(int parent, const std::string& name, const std::string& shown) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return FileError(errno, "removing", shown);
  OwnedFd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return FileError(errno, "opening", shown);
  DIR* stream = fdopendir(dup(fd.get()));
  if (stream == nullptr) return FileError(errno, "listing", shown);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream)) names.emplace_back(entry->d_name);
  closedir(stream);
  for (const std::string& child : names) {
    if (child == "." || child == "..") continue;
    LOCKSTEP_RETURN_IF_ERROR(RemoveTreeAt(fd.get(), child, absl::StrCat(shown, "/", child)));
  }
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return FileError(errno, "removing", shown);
  }
  return absl::OkStatus();
}

}  // namespace

void OwnedFd::Reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

absl::Status FileError(int error, absl::string_view what, absl::string_view path) {
  return absl::Status(CodeOf(error), absl::StrCat(what, " \"", path, "\": ", strerror(error)));
}

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t bytes_max) {
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return FileError(errno, "opening", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "reading", path);
  std::string bytes;
  bytes.reserve(static_cast<size_t>(std::min<int64_t>(info.st_size, bytes_max)));
  char buffer[16384];
  while (true) {
    const ssize_t got = read(fd.get(), buffer, sizeof buffer);
    if (got == 0) return bytes;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading", path);
    bytes.append(buffer, static_cast<size_t>(got));
    if (static_cast<int64_t>(bytes.size()) > bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("reading \"", path, "\": over ", bytes_max, " bytes"));
    }
  }
}

absl::Status WriteFileAtomic(const std::string& path, absl::string_view bytes,
                             Durability durability, mode_t mode) {
  static std::atomic<uint64_t> counter{0};
  const std::string directory = DirName(path);
  const std::string temporary = absl::StrCat(directory, "/.lockstep-", getpid(), "-", ++counter);
  absl::Cleanup remove = [&] { unlink(temporary.c_str()); };
  LOCKSTEP_RETURN_IF_ERROR(WriteNew(temporary, bytes, durability, mode));
  if (rename(temporary.c_str(), path.c_str()) != 0) return FileError(errno, "renaming to", path);
  std::move(remove).Cancel();
  if (durability == Durability::kSynced) return SyncDirectory(directory);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  OwnedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return FileError(errno, "opening", path);
  if (fsync(fd.get()) != 0) return FileError(errno, "syncing", path);
  return absl::OkStatus();
}

absl::Status MakeDirectories(const std::string& path, mode_t mode) {
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
      return FileError(errno, "making directory", part);
  }
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(errno, "making directory", path);
  if (!S_ISDIR(info.st_mode)) return FileError(ENOTDIR, "making directory", path);
  return absl::OkStatus();
}

absl::Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return FileError(errno, "removing", path);
  return absl::OkStatus();
}

absl::Status RemoveTree(const std::string& path) { return RemoveTreeAt(AT_FDCWD, path, path); }

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  DIR* stream = opendir(path.c_str());
  if (stream == nullptr) return FileError(errno, "listing", path);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream)) {
    const absl::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

bool PathExists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

std::string BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == absl::string_view::npos ? path : path.substr(slash + 1));
}

std::string DirName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::StatusOr<std::string> MakeTemporaryDirectory(absl::string_view prefix) {
  const char* base = getenv("TMPDIR");
  std::string path =
      absl::StrCat(base != nullptr && *base != '\0' ? base : "/tmp", "/", prefix, "XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return FileError(errno, "making directory", path);
  return path;
}

}  // namespace lockstep
