#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/base/mutex.h"
#include "hub/source/repository_pool.h"

namespace lockstep {

/// The directories of mirrors below one root, and who fetches into which.
///
///   ROOT/NAME/git0      the bare repository; the number grows when it is made anew, because
///   libgit2
///                       shares open packs by path and would go on reading the old ones
///   ROOT/NAME/home      known_hosts for libgit2's ssh
///   ROOT/NAME/url       what it is a mirror of, for people; written by the first fetch that
///   succeeded
///
/// Thread-safe.
class Mirrors {
 public:
  struct Mirror {
    Mirror(std::string path, int serial_number)
        : directory(std::move(path)),
          serial(serial_number),
          pool(std::make_shared<RepositoryPool>(directory + "/git" + std::to_string(serial))) {}

    const std::string& repository() const { return pool->path(); }
    std::string home() const { return directory + "/home"; }
    std::string url_file() const { return directory + "/url"; }

    const std::string directory;
    const int serial;
    const std::shared_ptr<const RepositoryPool> pool;
    bool busy = false;  // Guarded by Mirrors::mutex_: someone fetches into it.
  };

  /// The right to fetch into a mirror; given back when it goes.
  class Turn {
   public:
    Turn(Mirrors* mirrors, std::shared_ptr<Mirror> mirror)
        : mirrors_(mirrors), mirror_(std::move(mirror)) {}
    Turn(Turn&&) = default;
    ~Turn() {
      if (mirror_ != nullptr) mirrors_->EndTurn(mirror_.get());
    }
    const Mirror& operator*() const { return *mirror_; }
    const Mirror* operator->() const { return mirror_.get(); }

   private:
    Mirrors* mirrors_;
    std::shared_ptr<Mirror> mirror_;
  };

  explicit Mirrors(std::string root) : root_(std::move(root)) {}

  /// Waits until nobody fetches into the mirror `name`. Where its objects were found damaged it is
  /// removed first, so that the fetch makes it anew; snapshots of the old one fail when read.
  Turn Take(const std::string& name);

  /// The handles of the mirror `name`, for reading.
  std::shared_ptr<const RepositoryPool> PoolOf(const std::string& name);

  /// Removes the mirrors that `names` does not hold and nobody fetches into.
  absl::Status KeepOnly(const std::set<std::string>& names);

 private:
  std::shared_ptr<Mirror> FindLocked(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndTurn(Mirror* mirror);

  const std::string root_;

  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Mirror>> mirrors_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
