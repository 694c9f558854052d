#include "hub/store/rocks_database.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/status.h"
#include "hub/record/chain.h"
#include "hub/record/key.h"
#include "hub/store/rocks_status.h"

namespace lockstep {
namespace {

rocksdb::Slice SliceOf(absl::string_view text) { return {text.data(), text.size()}; }

rocksdb::DBOptions DatabaseOptions(const RocksOptions& ours, rocksdb::WALRecoveryMode mode) {
  rocksdb::DBOptions options;
  options.env = EnvOf(ours);
  options.wal_recovery_mode = mode;
  options.paranoid_checks = true;
  options.recycle_log_file_num = 0;  // A reused log hides where the new one ends.
  options.db_write_buffer_size = ours.memory_bytes;
  options.max_total_wal_size = ours.log_bytes_max;
  options.max_background_jobs = 2;
  options.max_file_opening_threads = 1;
  options.max_open_files = 256;  // F-20: most descriptors are for agents.
  options.keep_log_file_num = 4;
  options.max_log_file_size = 1 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.stats_dump_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const RocksOptions& ours,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.checksum = rocksdb::kXXH3;
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::max<uint64_t>(ours.memory_bytes / 4, 64 << 10);
  options.compression = rocksdb::kZSTD;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

rocksdb::Env* EnvOf(const RocksOptions& options) {
  return options.env != nullptr ? options.env : rocksdb::Env::Default();
}

std::string FormatRecord() {
  store::v1::Format format;
  format.set_format(kStoreFormat);
  format.set_written_by(LOCKSTEP_VERSION);
  return format.SerializeAsString();
}

absl::StatusOr<std::unique_ptr<RocksDatabase>> RocksDatabase::Open(const std::string& path,
                                                                   const RocksOptions& options,
                                                                   rocksdb::WALRecoveryMode mode,
                                                                   Access access) {
  rocksdb::DBOptions database_options = DatabaseOptions(options, mode);
  // What is there must be named. A newer program's families too: CheckFormat then says what to do.
  std::vector<std::string> names;
  const bool exists = !database_options.env->FileExists(path + "/CURRENT").IsNotFound();
  if (exists) {
    LOCKSTEP_RETURN_IF_ERROR(FromRocks(
        rocksdb::DB::ListColumnFamilies(database_options, path, &names), "reading", path));
  }
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  if (access == Access::kWrite) {
    database_options.create_if_missing = !exists;
    database_options.create_missing_column_families = true;
    add(rocksdb::kDefaultColumnFamilyName);
    for (int i = 0; i < kFamilyCount; ++i) {
      add(std::string(FamilyName(static_cast<Family>(i))));
    }
  }
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options.cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    descriptors.emplace_back(name, FamilyOptions(options, cache));
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const rocksdb::Status status =
      access == Access::kRead
          ? rocksdb::DB::OpenForReadOnly(database_options, path, descriptors, &handles, &db)
          : rocksdb::DB::Open(database_options, path, descriptors, &handles, &db);
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(status, "opening", path));

  std::unique_ptr<RocksDatabase> opened(new RocksDatabase);
  opened->db_.reset(db);
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    int family = 0;
    while (family < kFamilyCount && handle->GetName() != FamilyName(static_cast<Family>(family))) {
      ++family;
    }
    if (family < kFamilyCount) {
      opened->families_[family] = handle;
    } else {
      opened->others_.push_back(handle);
    }
  }
  return opened;
}

RocksDatabase::~RocksDatabase() {
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
  }
  for (rocksdb::ColumnFamilyHandle* handle : others_) db_->DestroyColumnFamilyHandle(handle);
}

absl::StatusOr<CommitPoint> RocksDatabase::LastCommit() const {
  if (family(Family::kChain) == nullptr) return CommitPoint();
  const std::unique_ptr<rocksdb::Iterator> iterator(
      db_->NewIterator(rocksdb::ReadOptions(), family(Family::kChain)));
  iterator->SeekToLast();
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(iterator->status(), "reading the chain of", db_->GetName()));
  if (!iterator->Valid()) return CommitPoint();
  const rocksdb::Slice key = iterator->key();
  const rocksdb::Slice value = iterator->value();
  LOCKSTEP_ASSIGN_OR_RETURN(const ChainLink link,
                            ParseChainLink({key.data(), key.size()}, {value.data(), value.size()}));
  return link.point;
}

absl::StatusOr<Digest> RocksDatabase::ChainAt(uint64_t counter) const {
  if (family(Family::kChain) == nullptr) return absl::NotFoundError("no chain");
  const std::string key = ChainKey(counter);
  std::string value;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(db_->Get(rocksdb::ReadOptions(), family(Family::kChain), SliceOf(key), &value),
                "reading the chain of", db_->GetName()));
  LOCKSTEP_ASSIGN_OR_RETURN(const ChainLink link, ParseChainLink(key, value));
  return link.point.chain;
}

absl::Status RocksDatabase::CheckFormat(const std::string& path) const {
  if (family(Family::kMeta) == nullptr) return absl::OkStatus();
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), family(Family::kMeta),
                                          SliceOf(MetaKey(kFormatMeta)), &value);
  if (status.IsNotFound()) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(status, "reading the format of", path));
  store::v1::Format format;
  if (!format.ParseFromString(value) || format.format() == 0) {
    return absl::DataLossError(
        absl::StrCat("reading the format of \"", path, "\": its record is damaged"));
  }
  if (format.format() <= kStoreFormat) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("opening the store \"", path, "\": it has format ", format.format(),
                   ", this lockstep-hub ", LOCKSTEP_VERSION, " knows ", kStoreFormat,
                   "; start lockstep-hub ", format.written_by(), " or newer, which wrote it"));
}

}  // namespace lockstep
