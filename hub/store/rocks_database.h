#pragma once

#include <array>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "hub/record/batch.h"
#include "hub/store/rocks_store.h"

/// RocksDB opened with our options and families; what RocksStore is made of.
namespace lockstep {

/// An open database and its families.
class RocksDatabase {
 public:
  enum class Access : uint8_t { kRead, kWrite };

  /// Opens what lies at `path`; kWrite makes what lacks. With kRead nothing is changed and families
  /// that the store lacks are null. Errors as RocksDB's.
  static absl::StatusOr<std::unique_ptr<RocksDatabase>> Open(const std::string& path,
                                                             const RocksOptions& options,
                                                             rocksdb::WALRecoveryMode mode,
                                                             Access access);
  ~RocksDatabase();

  rocksdb::DB* db() const { return db_.get(); }
  /// Null if a store opened to read lacks it.
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return families_[static_cast<size_t>(family)];
  }

  /// The newest link of the chain: where the store is. A new store is at counter 0.
  absl::StatusOr<CommitPoint> LastCommit() const;
  /// The hash at `counter`; NOT_FOUND if its link is gone.
  absl::StatusOr<Digest> ChainAt(uint64_t counter) const;
  /// OK if the store's format is one this program knows, or none is written yet (NOT_FOUND if so
  /// and it must be).
  absl::Status CheckFormat(const std::string& path) const;

 private:
  RocksDatabase() = default;

  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilyCount> families_{};  // Closed before db_.
  std::vector<rocksdb::ColumnFamilyHandle*> others_;                   // default, and unknown ones.
};

/// The environment that `options` name.
rocksdb::Env* EnvOf(const RocksOptions& options);

/// meta/format's value for this program.
std::string FormatRecord();

}  // namespace lockstep
