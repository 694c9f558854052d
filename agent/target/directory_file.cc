#include "agent/target/directory_file.h"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "agent/target/object_path.h"
#include "common/base/digest.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr int kLevels = 2;  // Of folders below the root.
// Whatever the umask: whom the root lets in may read what lies below it.
constexpr mode_t kFileMode = 0644;
constexpr mode_t kFolderMode = 0755;
constexpr size_t kChanceBytes = 8;  // Of a temporary name.

absl::Status WriteAll(int fd, absl::string_view bytes, absl::string_view shown) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "writing", shown);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

bool IsOurTemporary(int folder, const std::string& name, absl::string_view prefix) {
  absl::string_view chance = name;
  if (!absl::ConsumePrefix(&chance, prefix) || chance.size() != 2 * kChanceBytes ||
      !std::all_of(chance.begin(), chance.end(), absl::ascii_isxdigit)) {
    return false;
  }
  struct stat info;
  return fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
         info.st_uid == geteuid();
}

void RemoveTemporariesIn(const OwnedFd& folder, const std::string& path, int levels,
                         absl::string_view prefix) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(path);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (IsOurTemporary(folder.get(), name, prefix)) {
      unlinkat(folder.get(), name.c_str(), 0);
    } else if (levels > 0 && name[0] != '.') {
      const std::string below = absl::StrCat(path, "/", name);
      const absl::StatusOr<OpenedFolder> child = OpenFolderAt(folder.get(), name, false, below);
      if (child.ok()) RemoveTemporariesIn(child->fd, below, levels - 1, prefix);
    }
  }
}

}  // namespace

absl::StatusOr<OpenedFolder> OpenFolderAt(int parent, const std::string& name, bool make,
                                          absl::string_view shown) {
  OpenedFolder opened;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  opened.fd = OwnedFd(openat(parent, name.c_str(), kFlags));
  if (!opened.fd.valid() && errno == ENOENT && make) {
    if (mkdirat(parent, name.c_str(), kFolderMode) != 0 && errno != EEXIST) {
      return FileError(errno, "making directory", shown);
    }
    opened.made = true;
    opened.fd = OwnedFd(openat(parent, name.c_str(), kFlags));
    if (opened.fd.valid() && fchmod(opened.fd.get(), kFolderMode) != 0) {
      return FileError(errno, "setting the mode of", shown);
    }
  }
  if (opened.fd.valid()) return opened;
  if (errno == ELOOP || errno == ENOTDIR) {
    return absl::FailedPreconditionError(absl::StrCat(
        "opening \"", shown, "\": it is no directory (links are not followed); remove it"));
  }
  return FileError(errno, "opening", shown);
}

absl::StatusOr<std::string> ReadRegularFileAt(int folder, const std::string& name,
                                              absl::string_view shown, size_t bytes_max) {
  // Not blocking: a pipe may lie there.
  OwnedFd fd(openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) return FileError(errno, "opening", shown);
  struct stat info;
  if (!fd.valid() || fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(shown, " cannot be read as a regular file"));
  }
  if (static_cast<uint64_t>(info.st_size) > bytes_max) {
    return absl::ResourceExhaustedError(absl::StrCat(shown, " is over ", bytes_max, " bytes"));
  }
  std::string bytes(static_cast<size_t>(info.st_size) + 1, '\0');  // One more: it may be growing.
  size_t length = 0;
  while (length < bytes.size()) {
    const ssize_t got = read(fd.get(), bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::FailedPreconditionError(absl::StrCat(shown, " cannot be read"));
    if (got == 0) break;
    length += static_cast<size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

std::string TemporaryPrefixOf(absl::string_view uid) {
  return absl::StrCat(kTemporaryPrefix, Digest::Of(uid).Short(), "-");
}

std::string MakeTemporaryName(absl::string_view prefix) {
  return absl::StrCat(prefix, absl::BytesToHexString(RandomBytes(kChanceBytes)));
}

absl::StatusOr<std::unique_ptr<Replacement>> Replacement::Write(int folder, std::string temporary,
                                                                absl::string_view bytes,
                                                                std::string shown) {
  OwnedFd fd(openat(folder, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    kFileMode));
  if (!fd.valid()) return FileError(errno, "creating a file beside", shown);
  std::unique_ptr<Replacement> file(
      new Replacement(folder, std::move(temporary), std::move(shown), std::move(fd)));
  if (fchmod(file->fd_.get(), kFileMode) != 0) {
    return FileError(errno, "setting the mode of", file->shown_);
  }
  LOCKSTEP_RETURN_IF_ERROR(WriteAll(file->fd_.get(), bytes, file->shown_));
  // Whether that works is found out when it is waited for.
  [[maybe_unused]] const int started =
      sync_file_range(file->fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  return file;
}

Replacement::~Replacement() {
  if (!renamed_) unlinkat(folder_, temporary_.c_str(), 0);
}

absl::Status Replacement::RenameTo(const std::string& name) {
  if (fdatasync(fd_.get()) != 0) return FileError(errno, "syncing", shown_);
  if (close(fd_.Release()) != 0) return FileError(errno, "closing", shown_);
  if (renameat(folder_, temporary_.c_str(), folder_, name.c_str()) != 0) {
    return FileError(errno, "renaming to", shown_);
  }
  renamed_ = true;
  return absl::OkStatus();
}

void RemoveTemporaries(const std::string& root, absl::string_view prefix) {
  const OwnedFd folder(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) RemoveTemporariesIn(folder, root, kLevels, prefix);
}

}  // namespace lockstep
