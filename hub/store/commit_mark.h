#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/bundle/link.h"

namespace rocksdb {
class Env;
class RandomRWFile;
}  // namespace rocksdb

namespace lockstep {

/// The second place that knows how far the store was: a small file beside it.
///
/// RocksDB loses a truncated or deleted log silently (FAULTS M1), so what it was asked to keep is
/// also noted here, *after* it has said that it did. Hence a mark before the store is a crash
/// between the two and healthy; a mark beyond the store is a loss.
///
/// The file is two slots of 512 bytes, one sector each, written in turn, so that a torn write
/// leaves the other:
///
///     magic "LSMARK1\n" | turn | commit counter | RocksDB sequence | chain (32 bytes) | SHA-256 of
///     all before (32 bytes)
///
/// with integers of 8 bytes, big-endian. The valid slot of the higher turn counts.
struct CommitMark {
  CommitPoint commit;
  uint64_t sequence = 0;  // RocksDB's own, which counts observations too.
};

class CommitMarkFile {
 public:
  /// The mark at `path`; nothing if there is no file. DATA_LOSS if there is one and neither slot is
  /// whole.
  static absl::StatusOr<std::optional<CommitMark>> Read(rocksdb::Env* env, const std::string& path);

  /// Makes or replaces the file, durably, and opens it for Write.
  static absl::StatusOr<std::unique_ptr<CommitMarkFile>> Create(rocksdb::Env* env,
                                                                const std::string& path,
                                                                const CommitMark& mark);
  ~CommitMarkFile();

  enum class Sync : uint8_t {
    kLater,  // Enough for a crash of the process and for damage to the store: costs 2 µs.
    kNow,    // Also through a power failure.
  };
  absl::Status Write(const CommitMark& mark, Sync sync);

 private:
  CommitMarkFile(std::string path, std::unique_ptr<rocksdb::RandomRWFile> file);

  const std::string path_;
  const std::unique_ptr<rocksdb::RandomRWFile> file_;
  uint64_t turn_ = 1;
  uint64_t synced_slot_ = 1;
};

}  // namespace lockstep
