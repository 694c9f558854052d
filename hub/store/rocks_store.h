#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/base/clock.h"
#include "hub/store/disk_guard.h"
#include "hub/store/store.h"

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace lockstep {

/// The layout of all records. A store of a higher format is refused.
inline constexpr uint32_t kStoreFormat = 1;

struct RocksOptions {
  Clock* clock = SystemClock();  // Stamps the chain's links. Borrowed; outlives the store.
  rocksdb::Env* env =
      nullptr;  // Where files live; null means the machine. Borrowed; outlives the store.

  uint64_t memory_bytes = 32 << 20;  // Written and not yet in tables.
  uint64_t cache_bytes = 64 << 20;
  uint64_t log_bytes_max = 64 << 20;  // Replayed at a start after a crash.

  /// Read-only below this; 0 means 10 % of the disk, but at least twice `memory_bytes` and at most
  /// 4 GiB.
  uint64_t disk_free_bytes_min = 0;
  uint64_t reserve_bytes = 16 << 20;
  DiskProbe disk_probe = ProbeDisk;
};

/// What is known about a loss.
struct LossReport {
  CommitPoint acknowledged;  // As the mark beside the store says; counter 0 if there is none.
  CommitPoint found;         // What the store holds now.
};

/// Store over RocksDB: PATH is its directory, PATH.mark the second place that knows how far it was
/// (commit_mark.h), PATH.lock keeps a second hub out, PATH.reserve is room for bad days.
///
/// RocksDB's default silently drops what follows a damaged byte of its log. Here it is opened so
/// that any damage is an error. A torn last record, which a power failure may leave of a write that
/// was never acknowledged, is told from damage by the mark: if all it knows of is there, the store
/// is healthy.
class RocksStore : public Store {
 public:
  /// Opens the store at `path`, or makes it if there is nothing. The directory above must exist.
  ///
  /// Errors: DATA_LOSS if acknowledged records are missing or damaged: nothing was changed, and the
  /// message names `lockstep-hub recover --accept-loss`. FAILED_PRECONDITION if another process has
  /// it open or a newer program wrote it. RESOURCE_EXHAUSTED if the disk is full.
  static absl::StatusOr<std::unique_ptr<RocksStore>> Open(const std::string& path,
                                                          const RocksOptions& options);

  /// Opens whatever can still be read, up to the first damage, and accepts the loss of the rest:
  /// sets the mark back and records the loss (meta/loss) as a new commit, so that agents that saw
  /// more find the hub behind. A person decides that. Errors: DATA_LOSS if nothing can be opened:
  /// the message says how to begin anew.
  static absl::StatusOr<LossReport> Recover(const std::string& path, const RocksOptions& options);

  ~RocksStore() override;

  absl::Status Append(const Batch& batch) override;
  CommitPoint at() const override;
  absl::StatusOr<std::string> Get(Family family, absl::string_view key) const override;
  absl::Status Scan(Family family, absl::string_view prefix, absl::string_view from,
                    Visitor visit) const override;
  absl::Status CheckRoom() override;
  absl::Status CheckRoomFor(uint64_t bytes) override;
  uint64_t ApproximateBytes() const override;

 private:
  struct Impl;
  explicit RocksStore(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
