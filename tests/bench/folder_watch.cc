#include "tests/bench/folder_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "tests/bench/harness.h"

namespace lockstep {

FolderWatch::FolderWatch()
    : inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)), wake_(eventfd(0, EFD_CLOEXEC)) {
  thread_ = Thread("watch", [this] { Run(); });
}

FolderWatch::~FolderWatch() {
  const uint64_t one = 1;
  MustBe(write(wake_.get(), &one, sizeof(one)) == sizeof(one), "waking the watch");
  thread_.Join();
}

void FolderWatch::Add(const std::string& folder) {
  MustBe(inotify_add_watch(inotify_.get(), folder.c_str(), IN_MOVED_TO) >= 0,
         absl::StrCat("watching ", folder));
}

void FolderWatch::Reset() {
  MutexLock lock(&mutex_);
  seen_.clear();
}

absl::Duration FolderWatch::Await(size_t count, absl::Duration limit) {
  MutexLock lock(&mutex_);
  wanted_ = count;
  const bool enough = mutex_.AwaitWithTimeout(absl::Condition(this, &FolderWatch::Enough), limit);
  MustBe(enough, absl::StrCat("waiting for ", count, " files: ", seen_.size(), " came"));
  return last_;
}

void FolderWatch::Run() {
  alignas(inotify_event) char buffer[64 << 10];
  for (;;) {
    pollfd fds[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    poll(fds, 2, -1);
    if (fds[1].revents != 0) return;
    const ssize_t got = read(inotify_.get(), buffer, sizeof(buffer));
    const absl::Duration now = Now();
    MutexLock lock(&mutex_);
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (seen_.emplace(event->wd, event->name).second) last_ = now;
    }
  }
}

}  // namespace lockstep
