#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/time/time.h>

#include "common/base/file.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"

namespace lockstep {

/// Tells when files were renamed into folders, by inotify, on a thread of its own: what somebody
/// sees who waits for them.
class FolderWatch {
 public:
  FolderWatch();
  ~FolderWatch();

  /// Watches `folder`, which exists, from now on.
  void Add(const std::string& folder);

  /// Forgets what was seen.
  void Reset() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Waits until `count` different files were renamed into the folders since the last Reset;
  /// returns when the last of them was (monotonic).
  absl::Duration Await(size_t count, absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run();
  bool Enough() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return seen_.size() >= wanted_; }

  const OwnedFd inotify_;
  OwnedFd wake_;  // Ends the thread.

  // Guarded by mutex_.
  Mutex mutex_;
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<std::pair<int, std::string>> seen_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_ ABSL_GUARDED_BY(mutex_);

  Thread thread_;
};

}  // namespace lockstep
