#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/target/target.h"
#include "common/base/file.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "common/object/object_key.h"

struct inotify_event;

namespace lockstep {

/// Tells who else wrote below a directory: inotify on the root, the namespace folders and the kind
/// folders, and a table from paths to objects.
///
/// A write of our own is known by its temporary name, of which the target tells: the kernel pairs
/// both halves of a rename with a cookie, so what this program renamed into place is left out, with
/// no race against a foreign write to the same file a microsecond later. One thread reads; all
/// calls are thread-safe.
class DirectoryWatch {
 public:
  /// One watched object: its path below the root and its key.
  struct File {
    std::string path;
    ObjectKey key;
  };

  /// Watches below `root`, which exists.
  static absl::StatusOr<std::unique_ptr<DirectoryWatch>> Start(std::string root);
  ~DirectoryWatch();

  /// Replaces what `application` watches; no files end it. RESOURCE_EXHAUSTED where the kernel
  /// gives no more watches: some of it is not heard of.
  absl::Status Set(absl::string_view application, std::vector<File> files, Target::Changed changed);

  /// The root is another folder than before, or notices were lost: watches all of it anew.
  void Rearm();

  /// This program is about to rename a file with this name to an object's: that is no news.
  void Renaming(absl::string_view temporary);

  /// This program is about to remove the file: that is no news.
  void Forget(absl::string_view path);

  /// This program is about to make the folder: what lies in it then is no news.
  void FolderMaking(absl::string_view folder);

  /// This program made these folders ("" is the root): watches them, without a notice.
  void FolderMade(absl::string_view folder);

  /// Ends the thread; no notice comes after it returned. Idempotent.
  void Stop();

 private:
  struct Watched {
    std::string application;
    ObjectKey key;
  };
  // What to tell once the lock is free: keys by application.
  using News = std::map<std::string, std::pair<Target::Changed, std::vector<ObjectKey>>>;

  DirectoryWatch(std::string root, OwnedFd inotify, OwnedFd wake);

  void Run();
  void Read(absl::string_view events);
  void Handle(const inotify_event& event, News* news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandleFolder(const inotify_event& event, const std::string& folder, News* news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddFile(const std::string& path, News* news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddBelow(const std::string& folder, News* news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddEverything(News* news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WatchAnew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the folder was not watched before.
  bool WatchFolder(const std::string& folder) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WatchWithParents(absl::string_view folder) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropBelow(const std::string& folder) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Fixed at construction.
  const std::string root_;
  const OwnedFd inotify_;
  const OwnedFd wake_;

  // Guarded by mutex_.
  Mutex mutex_;
  std::map<std::string, Watched> files_ ABSL_GUARDED_BY(mutex_);  // By path.
  std::map<std::string, Target::Changed> changed_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<int, std::string> folders_ ABSL_GUARDED_BY(mutex_);  // By watch.
  std::set<std::string> making_ ABSL_GUARDED_BY(mutex_);  // Folders that this program makes.
  bool exhausted_ ABSL_GUARDED_BY(mutex_) = false;  // The kernel refused a watch since Set began.
  // Names of files that this program renames. One of a folder that is not watched stays.
  absl::flat_hash_set<std::string> renaming_ ABSL_GUARDED_BY(mutex_);
  std::set<uint32_t> own_renames_ ABSL_GUARDED_BY(mutex_);  // Cookies of which one half was seen.

  Thread thread_;
};

}  // namespace lockstep
