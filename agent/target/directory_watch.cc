#include "agent/target/directory_watch.h"

#include <errno.h>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "agent/target/object_path.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr uint32_t kEvents = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                             IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR |
                             IN_DONT_FOLLOW;

// Half-seen renames that are remembered: one per writing thread at a time, and those of a temporary
// file that others moved away.
constexpr size_t kRenamesMax = 64;
constexpr size_t kRenamingMax = 1 << 16;

std::string Join(absl::string_view folder, absl::string_view name) {
  return folder.empty() ? std::string(name) : absl::StrCat(folder, "/", name);
}

bool IsBelow(absl::string_view path, absl::string_view folder) {
  return folder.empty() || absl::StartsWith(path, absl::StrCat(folder, "/"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DirectoryWatch>> DirectoryWatch::Start(std::string root) {
  OwnedFd inotify(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify.valid()) {
    return Annotate(FileError(errno, "watching", root),
                    "the kernel gives no more inotify instances; raise "
                    "fs.inotify.max_user_instances");
  }
  OwnedFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return FileError(errno, "watching", root);
  std::unique_ptr<DirectoryWatch> watch(
      new DirectoryWatch(std::move(root), std::move(inotify), std::move(wake)));
  watch->FolderMade("");
  watch->thread_ = Thread("watch", [self = watch.get()] { self->Run(); });
  return watch;
}

DirectoryWatch::DirectoryWatch(std::string root, OwnedFd inotify, OwnedFd wake)
    : root_(std::move(root)), inotify_(std::move(inotify)), wake_(std::move(wake)) {}

DirectoryWatch::~DirectoryWatch() { Stop(); }

void DirectoryWatch::Stop() {
  const uint64_t one = 1;
  // Cannot fail short of 2^64 stops.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  thread_.Join();
}

absl::Status DirectoryWatch::Set(absl::string_view application, std::vector<File> files,
                                 Target::Changed changed) {
  MutexLock lock(&mutex_);
  std::erase_if(files_, [&](const auto& item) { return item.second.application == application; });
  if (files.empty()) {
    changed_.erase(std::string(application));
    return absl::OkStatus();
  }
  changed_[std::string(application)] = std::move(changed);
  std::set<std::string> folders;
  for (File& file : files) {
    folders.insert(DirName(file.path));
    files_[file.path] = {std::string(application), std::move(file.key)};
  }
  exhausted_ = false;
  for (const std::string& folder : folders) WatchWithParents(folder);
  if (!exhausted_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("watching \"", root_,
                                                   "\": the kernel gives no more watches; raise "
                                                   "fs.inotify.max_user_watches"));
}

void DirectoryWatch::Rearm() {
  MutexLock lock(&mutex_);
  WatchAnew();
}

void DirectoryWatch::WatchAnew() {
  DropBelow("");
  std::set<std::string> folders;
  for (const auto& [path, file] : files_) folders.insert(DirName(path));
  WatchWithParents("");
  for (const std::string& folder : folders) WatchWithParents(folder);
}

void DirectoryWatch::Renaming(absl::string_view temporary) {
  MutexLock lock(&mutex_);
  // Forgotten ones are told of as if others had written: a comparison more.
  if (renaming_.size() >= kRenamingMax) renaming_.clear();
  renaming_.insert(std::string(temporary));
}

void DirectoryWatch::Forget(absl::string_view path) {
  MutexLock lock(&mutex_);
  files_.erase(std::string(path));
}

void DirectoryWatch::FolderMaking(absl::string_view folder) {
  MutexLock lock(&mutex_);
  making_.insert(std::string(folder));
}

void DirectoryWatch::FolderMade(absl::string_view folder) {
  MutexLock lock(&mutex_);
  WatchWithParents(folder);
  making_.erase(std::string(folder));
}

void DirectoryWatch::Run() {
  alignas(inotify_event) char buffer[16384];
  while (true) {
    pollfd waits[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (poll(waits, 2, -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    const ssize_t got = read(inotify_.get(), buffer, sizeof buffer);
    if (got > 0) Read({buffer, static_cast<size_t>(got)});
  }
}

void DirectoryWatch::Read(absl::string_view events) {
  News news;
  {
    MutexLock lock(&mutex_);
    while (events.size() >= sizeof(inotify_event)) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data());
      Handle(*event, &news);
      events.remove_prefix(sizeof(inotify_event) + event->len);
    }
  }
  for (auto& [application, told] : news) told.first(std::move(told.second));
}

void DirectoryWatch::Handle(const inotify_event& event, News* news) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    // What was lost may have told of folders that others put in place.
    WatchAnew();
    AddEverything(news);
    return;
  }
  const auto found = folders_.find(event.wd);
  if (found == folders_.end()) return;
  const std::string folder = found->second;
  if ((event.mask & IN_IGNORED) != 0) {
    folders_.erase(found);
    return;
  }
  if ((event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
    // The parent tells of every folder but the root.
    if (folder.empty()) AddEverything(news);
    return;
  }
  if ((event.mask & IN_ISDIR) != 0) {
    HandleFolder(event, folder, news);
    return;
  }
  const absl::string_view name = event.len > 0 ? event.name : "";
  if (absl::StartsWith(name, kTemporaryPrefix)) {
    const bool ours = (event.mask & IN_MOVED_FROM) != 0 && renaming_.erase(name) > 0;
    if (ours) own_renames_.insert(event.cookie);
    if (own_renames_.size() > kRenamesMax) own_renames_.erase(own_renames_.begin());
    return;
  }
  if ((event.mask & IN_MOVED_TO) != 0 && own_renames_.erase(event.cookie) > 0) return;
  const std::string path = Join(folder, name);
  AddFile(path, news);
  AddBelow(path, news);  // A file or a link may have lain at a folder's place.
}

void DirectoryWatch::HandleFolder(const inotify_event& event, const std::string& folder,
                                  News* news) {
  const std::string path = Join(folder, event.name);
  if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) {
    DropBelow(path);
    AddBelow(path, news);
    AddFile(path, news);  // A folder may have lain at an object's place.
  } else if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
    AddFile(path, news);
    const auto first = files_.lower_bound(path + "/");
    if (first == files_.end() || !IsBelow(first->first, path)) return;  // Nothing of ours below.
    const bool own = making_.contains(path);
    bool unknown = WatchFolder(path) && !own;
    for (auto file = first; file != files_.end() && IsBelow(file->first, path); ++file) {
      const std::string below = DirName(file->first);
      unknown = (WatchFolder(below) && !own && !making_.contains(below)) || unknown;
    }
    if (unknown) AddBelow(path, news);
  }
}

void DirectoryWatch::AddFile(const std::string& path, News* news) {
  const auto file = files_.find(path);
  if (file == files_.end()) return;
  const auto changed = changed_.find(file->second.application);
  if (changed == changed_.end()) return;
  const auto [told, fresh] = news->try_emplace(file->second.application);
  if (fresh) told->second.first = changed->second;
  // No keys already means everything.
  if (fresh || !told->second.second.empty()) told->second.second.push_back(file->second.key);
}

void DirectoryWatch::AddBelow(const std::string& folder, News* news) {
  for (auto file = files_.lower_bound(folder + "/");
       file != files_.end() && IsBelow(file->first, folder); ++file) {
    AddFile(file->first, news);
  }
}

void DirectoryWatch::AddEverything(News* news) {
  for (const auto& [application, changed] : changed_) (*news)[application] = {changed, {}};
}

bool DirectoryWatch::WatchFolder(const std::string& folder) {
  const int watch = inotify_add_watch(inotify_.get(), Join(root_, folder).c_str(), kEvents);
  // Not there (its making will be told by its parent), or no watches left: the interval stays.
  if (watch < 0) {
    exhausted_ = exhausted_ || errno == ENOSPC;
    return false;
  }
  return folders_.insert_or_assign(watch, folder).second;
}

void DirectoryWatch::WatchWithParents(absl::string_view folder) {
  WatchFolder("");
  for (size_t end = 0; end != absl::string_view::npos && !folder.empty();) {
    end = folder.find('/', end + 1);
    WatchFolder(std::string(folder.substr(0, end)));
  }
}

void DirectoryWatch::DropBelow(const std::string& folder) {
  for (auto it = folders_.begin(); it != folders_.end();) {
    if (it->second == folder || IsBelow(it->second, folder)) {
      inotify_rm_watch(inotify_.get(), it->first);
      folders_.erase(it++);
    } else {
      ++it;
    }
  }
}

}  // namespace lockstep
