#include "common/render/disk/disk_snapshot.h"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>

#include "common/base/digest.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr size_t kNameMax = 255;

/// The status for a failed call; what a link or a missing part of the path causes is NOT_FOUND.
absl::Status Failed(int error, absl::string_view what, absl::string_view path) {
  if (error == ENOTDIR || error == ELOOP) {
    return absl::NotFoundError(
        absl::StrCat("\"", path, "\" leads through what is no directory or is a symbolic link"));
  }
  return FileError(error, what, path);
}

Snapshot::Kind KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return Snapshot::Kind::kDirectory;
  if (S_ISLNK(mode)) return Snapshot::Kind::kSymlink;
  // Sockets, pipes and devices: nothing to render, so as good as another repository's.
  return S_ISREG(mode) ? Snapshot::Kind::kFile : Snapshot::Kind::kSubmodule;
}

Snapshot::Entry MakeEntry(absl::string_view name, const struct stat& info) {
  Hasher hasher;
  for (const uint64_t part :
       {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
        static_cast<uint64_t>(info.st_size), static_cast<uint64_t>(info.st_mtim.tv_sec),
        static_cast<uint64_t>(info.st_mtim.tv_nsec), static_cast<uint64_t>(info.st_ctim.tv_sec),
        static_cast<uint64_t>(info.st_ctim.tv_nsec)}) {
    hasher.AddInteger(part);
  }
  Snapshot::Entry entry{.name = std::string(name), .kind = KindOf(info.st_mode)};
  entry.id = std::string(hasher.Finish().bytes().substr(0, 20));
  if (entry.kind == Snapshot::Kind::kFile) entry.bytes = static_cast<uint64_t>(info.st_size);
  return entry;
}

struct Split {
  absl::string_view directory, name;
};

Split SplitLast(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

/// A name that can be one part of a path, and leads nowhere else.
absl::Status CheckName(absl::string_view name, absl::string_view path) {
  if (name.empty() || name == "." || name == ".." || name.size() > kNameMax ||
      name.find('\0') != absl::string_view::npos) {
    return absl::NotFoundError(absl::StrCat("\"", path, "\" is no path"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(int fd, uint64_t size, uint64_t bytes_max,
                                    absl::string_view path) {
  std::string content(std::min(size, bytes_max) + 1, '\0');  // One more, to meet the end.
  size_t filled = 0;
  while (true) {
    if (filled == content.size()) content.resize(content.size() * 2);
    const ssize_t got = read(fd, content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading", path);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (filled > bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("\"", path, "\" has more than ", bytes_max, " bytes"));
    }
  }
  content.resize(filled);
  return content;
}

}  // namespace

DiskSnapshot::DiskSnapshot(OwnedFd root)
    : root_(std::make_shared<const OwnedFd>(std::move(root))) {}

absl::StatusOr<std::unique_ptr<DiskSnapshot>> DiskSnapshot::Open(const std::string& root) {
  OwnedFd fd(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ENOTDIR) {
      return absl::FailedPreconditionError(absl::StrCat("\"", root, "\" is no directory"));
    }
    return FileError(errno, "opening", root);
  }
  return std::unique_ptr<DiskSnapshot>(new DiskSnapshot(std::move(fd)));
}

absl::StatusOr<DiskSnapshot::Directory> DiskSnapshot::OpenDirectory(absl::string_view path) const {
  if (path.empty()) return root_;
  {
    const MutexLock lock(&mutex_);
    if (const auto it = open_.find(path); it != open_.end()) return it->second;
  }
  const auto [parent_path, name] = SplitLast(path);
  LOCKSTEP_RETURN_IF_ERROR(CheckName(name, path));
  LOCKSTEP_ASSIGN_OR_RETURN(const Directory parent, OpenDirectory(parent_path));
  OwnedFd fd(openat(parent->get(), std::string(name).c_str(),
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return Failed(errno, "opening", path);
  Directory directory = std::make_shared<const OwnedFd>(std::move(fd));
  const MutexLock lock(&mutex_);
  if (open_.size() >= kOpenMax) open_.clear();
  open_.emplace(path, directory);
  return directory;
}

absl::StatusOr<Snapshot::Entry> DiskSnapshot::Find(absl::string_view path) const {
  struct stat info;
  if (path.empty()) {
    if (fstat(root_->get(), &info) != 0) return FileError(errno, "looking at", path);
    return MakeEntry("", info);
  }
  const auto [parent_path, name] = SplitLast(path);
  LOCKSTEP_RETURN_IF_ERROR(CheckName(name, path));
  LOCKSTEP_ASSIGN_OR_RETURN(const Directory parent, OpenDirectory(parent_path));
  if (fstatat(parent->get(), std::string(name).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failed(errno, "looking at", path);
  }
  return MakeEntry(name, info);
}

absl::StatusOr<std::vector<Snapshot::Entry>> DiskSnapshot::List(absl::string_view path,
                                                                size_t entries_max) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const Entry itself, Find(path));
  if (itself.kind != Kind::kDirectory) {
    return absl::FailedPreconditionError(absl::StrCat("\"", path, "\" is no directory"));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const Directory directory, OpenDirectory(path));
  // A descriptor of its own: the position in a directory belongs to it.
  const int fd = openat(directory->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "listing", path);
  DIR* const stream = fdopendir(fd);
  if (stream == nullptr) {
    close(fd);
    return FileError(errno, "listing", path);
  }
  const absl::Cleanup close_stream = [stream] { closedir(stream); };
  std::vector<Entry> entries;
  while (const dirent* item = readdir(stream)) {
    const absl::string_view name = item->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() == entries_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("\"", path, "\" has more than ", entries_max, " entries"));
    }
    struct stat info;
    if (fstatat(fd, item->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back(MakeEntry(name, info));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

absl::StatusOr<std::shared_ptr<const std::string>> DiskSnapshot::ReadFile(
    absl::string_view path, uint64_t bytes_max) const {
  const auto [parent_path, name] = SplitLast(path);
  LOCKSTEP_RETURN_IF_ERROR(CheckName(name, path));
  LOCKSTEP_ASSIGN_OR_RETURN(const Directory parent, OpenDirectory(parent_path));
  // O_NONBLOCK: a pipe must not make us wait.
  const OwnedFd fd(openat(parent->get(), std::string(name).c_str(),
                          O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    if (errno == ELOOP) {
      return absl::FailedPreconditionError(
          absl::StrCat("\"", path, "\" is a symbolic link; links are not followed"));
    }
    return Failed(errno, "reading", path);
  }
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return FileError(errno, "reading", path);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat("\"", path, "\" is no file"));
  }
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("\"", path, "\" has ", size, " bytes; at most ", bytes_max, " are read"));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::string content, ReadAll(fd.get(), size, bytes_max, path));
  return std::make_shared<const std::string>(std::move(content));
}

}  // namespace lockstep
