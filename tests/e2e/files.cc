#include <cstring>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "tests/e2e/fleet.h"

namespace lockstep {
namespace {

// Calls `take` with each regular file's path below `root` ("a/b"), in order.
void Walk(const std::string& root, const std::string& below, bool hidden,
          const std::function<void(const std::string&)>& take) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(root + "/" + below);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!hidden && absl::StartsWith(name, ".")) continue;
    const std::string path = below.empty() ? name : below + "/" + name;
    struct stat about {};
    if (lstat((root + "/" + path).c_str(), &about) != 0) continue;
    if (S_ISDIR(about.st_mode)) Walk(root, path, hidden, take);
    if (S_ISREG(about.st_mode)) take(path);
  }
}

}  // namespace

absl::Status WaitForFile(const std::string& path,
                         const std::function<bool(bool, const std::string&)>& look) {
  const OwnedFd watch(inotify_init1(IN_CLOEXEC));
  const std::string folder = DirName(path);
  if (inotify_add_watch(
          watch.get(), folder.c_str(),
          IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) < 0) {
    return FileError(errno, "watching", folder);
  }
  const absl::Duration until = SystemClock()->Monotonic() + Fleet::kPatience;
  while (true) {
    const absl::StatusOr<std::string> content = ReadFile(path);
    if (look(content.ok(), content.ok() ? *content : "")) return absl::OkStatus();
    const absl::Duration left = until - SystemClock()->Monotonic();
    pollfd wait = {watch.get(), POLLIN, 0};
    if (left <= absl::ZeroDuration() ||
        poll(&wait, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) == 0) {
      return absl::DeadlineExceededError(absl::StrCat(
          "\"", path,
          "\" does not become what it should; it holds: ", content.ok() ? *content : "nothing"));
    }
    char events[4096];
    if (read(watch.get(), events, sizeof events) < 0) return FileError(errno, "watching", folder);
  }
}

std::map<std::string, std::string> TargetFiles(const std::string& root) {
  std::map<std::string, std::string> files;
  Walk(root, "", false,
       [&](const std::string& path) { files[path] = ReadFile(root + "/" + path).value(); });
  return files;
}

std::map<std::string, std::string> TargetWrites(const std::string& root) {
  std::map<std::string, std::string> writes;
  Walk(root, "", false, [&](const std::string& path) {
    struct stat about {};
    if (lstat((root + "/" + path).c_str(), &about) != 0) return;
    writes[path] =
        absl::StrCat(about.st_ino, " ", about.st_ctim.tv_sec, ".", about.st_ctim.tv_nsec);
  });
  return writes;
}

std::vector<std::string> FilesWith(const std::string& root, absl::string_view needle) {
  std::vector<std::string> found;
  Walk(root, "", true, [&](const std::string& path) {
    const absl::StatusOr<std::string> content = ReadFile(root + "/" + path);
    if (content.ok() && absl::StrContains(*content, needle)) found.push_back(path);
  });
  return found;
}

}  // namespace lockstep
