#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "common/base/mutex.h"
#include "common/base/random.h"

namespace lockstep {

/// A file system that forgets what was not synced when the power goes, as a real one may: bytes
/// after the last sync of their file (some first part may survive; in a log, which RocksDB can be
/// asked to doubt, also followed by zeros), and names made, renamed or removed since the last sync
/// of their directory (some first part of these operations may survive). Syncs do not reach the
/// disk below, so it is fast.
///
/// Every call that changes something counts as one step; the power can be set to go at any step.
/// Thread-safe.
class UnsyncedFs : public rocksdb::FileSystemWrapper {
 public:
  UnsyncedFs();
  const char* Name() const override { return "UnsyncedFs"; }

  /// From the step after the next `steps` on everything that changes something fails, as if the
  /// power had gone.
  void CutAfter(uint64_t steps);
  /// At that step the process kills itself (SIGKILL).
  void KillAfter(uint64_t steps);
  /// The step after the next `steps`, if it is a sync, fails once (FAULTS F-11); returns whether it
  /// did by SyncFailed().
  void FailSyncAfter(uint64_t steps);
  bool SyncFailed() const { return sync_failed_; }
  uint64_t steps() const { return steps_; }

  /// Makes every sync a lie: the control run.
  void IgnoreSyncs() { ignore_syncs_ = true; }

  /// The power goes and comes back. Nothing may be open but what was opened before and is closed or
  /// dead.
  void PowerLoss(Rng* rng);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  friend class UnsyncedFile;
  friend class UnsyncedRandomFile;
  friend class UnsyncedDirectory;

  /// A change of names that its directory has not synced.
  struct NameChange {
    std::string made;                           // A name that came; "" if none.
    std::string removed;                        // A name that went; "" if none.
    std::optional<std::string> made_before;     // What lay at `made`.
    std::optional<std::string> removed_before;  // What lay at `removed`, unless it moved to `made`.
  };
  /// What survives of a file for sure.
  struct Synced {
    uint64_t bytes = 0;                                    // Of an appended file.
    std::optional<std::string> content;                    // Of a file written in place.
    std::vector<std::pair<uint64_t, std::string>> writes;  // In place, since.
  };

  /// Counts a step; an error if the power is gone.
  rocksdb::IOStatus Step();
  rocksdb::IOStatus StepSync(bool* real);
  std::optional<std::string> ReadAll(const std::string& path);
  void WriteAll(const std::string& path, const std::string& bytes);
  void UndoNames(Rng* rng) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetBytes(Rng* rng) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint64_t> steps_{0};
  std::atomic<uint64_t> cut_at_;
  std::atomic<uint64_t> kill_at_;
  std::atomic<uint64_t> fail_sync_at_;
  std::atomic<bool> sync_failed_{false};
  std::atomic<bool> ignore_syncs_{false};
  std::atomic<uint64_t> boot_{0};  // Handles of an earlier boot are dead.

  Mutex mutex_;
  std::map<std::string, Synced> files_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<NameChange>> names_ ABSL_GUARDED_BY(mutex_);  // By directory.
};

/// An environment over `fs`, in which RocksDB does not sleep for a second after a flush that
/// failed.
std::unique_ptr<rocksdb::Env> MakeEnv(const std::shared_ptr<UnsyncedFs>& fs);

}  // namespace lockstep
