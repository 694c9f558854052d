#include "hub/store/rocks_store.h"

#include <algorithm>
#include <utility>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <rocksdb/env.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "hub/record/chain.h"
#include "hub/record/key.h"
#include "hub/store/commit_mark.h"
#include "hub/store/rocks_database.h"
#include "hub/store/rocks_status.h"

namespace lockstep {
namespace {

using Mode = rocksdb::WALRecoveryMode;

constexpr uint64_t kDiskFreeCeiling = uint64_t{4} << 30;

rocksdb::Slice SliceOf(absl::string_view text) { return {text.data(), text.size()}; }
absl::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

/// The first key after all that begin with `prefix`; empty if there is none.
std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

/// Keeps other hubs out while it lives.
class PathLock {
 public:
  static absl::StatusOr<std::unique_ptr<PathLock>> Take(rocksdb::Env* env,
                                                        const std::string& path) {
    rocksdb::FileLock* lock = nullptr;
    const rocksdb::Status status = env->LockFile(path + ".lock", &lock);
    if (status.ok()) return std::unique_ptr<PathLock>(new PathLock(env, lock));
    return absl::FailedPreconditionError(
        absl::StrCat("opening the store \"", path,
                     "\": its lock cannot be taken; stop the other lockstep-hub that uses it (",
                     status.ToString(), ")"));
  }
  ~PathLock() { env_->UnlockFile(lock_).PermitUncheckedError(); }

 private:
  PathLock(rocksdb::Env* env, rocksdb::FileLock* lock) : env_(env), lock_(lock) {}
  rocksdb::Env* const env_;
  rocksdb::FileLock* const lock_;
};

absl::Status LossError(const std::string& path, absl::string_view why) {
  return absl::DataLossError(absl::StrCat(
      "opening the store \"", path, "\": ", why,
      "; nothing was changed. Put a whole copy of the store back, or accept the loss with "
      "`lockstep-hub recover --accept-loss`, after which agents that know more must be approved"));
}

/// What a look at a store found, without changing it.
struct Finding {
  Mode mode = Mode::kAbsoluteConsistency;  // The strictest that opens it.
  CommitPoint at;                          // Counter 0 if nothing was ever written.
  uint64_t sequence = 0;
  std::unique_ptr<RocksDatabase> database;  // Open to read.
};

absl::StatusOr<Finding> LookThrough(const std::string& path, const RocksOptions& options,
                                    Mode mode) {
  Finding finding{.mode = mode};
  LOCKSTEP_ASSIGN_OR_RETURN(finding.database,
                            RocksDatabase::Open(path, options, mode, RocksDatabase::Access::kRead));
  LOCKSTEP_RETURN_IF_ERROR(finding.database->CheckFormat(path));
  LOCKSTEP_ASSIGN_OR_RETURN(finding.at, finding.database->LastCommit());
  finding.sequence = finding.database->db()->GetLatestSequenceNumber();
  return finding;
}

/// Whether RocksDB has written here, and whether its CURRENT, without which it would begin anew
/// over what is there, is.
absl::StatusOr<bool> IsFresh(const std::string& path, const RocksOptions& options, bool marked) {
  rocksdb::Env* const env = EnvOf(options);
  std::vector<std::string> names;
  const rocksdb::Status status = env->GetChildren(path, &names);
  if (!status.ok() && !status.IsNotFound() && !status.IsPathNotFound()) {
    return FromRocks(status, "listing", path);
  }
  bool tables = false;
  for (const std::string& name : names) {
    if (name == "CURRENT") return false;
    tables = tables || absl::EndsWith(name, ".sst");
  }
  if (!marked && !tables) return true;  // A crash while it was made leaves a manifest at most.
  return LossError(path, marked && names.empty() ? "the store is gone, its mark is not"
                                                 : "its CURRENT file is gone");
}

/// Looks at the store as it lies there and compares it with its mark. DATA_LOSS as RocksStore::Open
/// says.
absl::StatusOr<Finding> Inspect(const std::string& path, const RocksOptions& options,
                                const std::optional<CommitMark>& mark) {
  LOCKSTEP_ASSIGN_OR_RETURN(const bool fresh, IsFresh(path, options, mark.has_value()));
  if (fresh) return Finding();
  absl::StatusOr<Finding> finding = LookThrough(path, options, Mode::kAbsoluteConsistency);
  if (absl::IsDataLoss(finding.status())) {
    // Perhaps a torn last record. Let RocksDB read up to the damage, and let the mark judge whether
    // all that was acknowledged lies before it. A store without mark and commits never acknowledged
    // anything: it was being made.
    absl::StatusOr<Finding> torn = LookThrough(path, options, Mode::kPointInTimeRecovery);
    if (torn.ok() && (mark.has_value() || torn->at.counter == 0)) finding = std::move(torn);
  }
  if (absl::IsDataLoss(finding.status()) || absl::IsNotFound(finding.status())) {
    return LossError(path, finding.status().message());
  }
  LOCKSTEP_RETURN_IF_ERROR(finding.status());
  if (!mark.has_value()) return finding;
  if (mark->commit.counter > finding->at.counter || mark->sequence > finding->sequence) {
    return LossError(path, absl::StrCat("it ends at commit ", finding->at.counter, " (record ",
                                        finding->sequence, "), but commit ", mark->commit.counter,
                                        " (record ", mark->sequence, ") was acknowledged"));
  }
  if (mark->commit.counter > 0) {
    const absl::StatusOr<Digest> chain = finding->database->ChainAt(mark->commit.counter);
    if (chain.ok() && *chain != mark->commit.chain) {
      return LossError(path, absl::StrCat("its commit ", mark->commit.counter,
                                          " is another than the one acknowledged"));
    }
  }
  return finding;
}

uint64_t FreeBytesMin(const std::string& path, const RocksOptions& options) {
  if (options.disk_free_bytes_min != 0) return options.disk_free_bytes_min;
  const absl::StatusOr<DiskSpace> space = options.disk_probe(DirName(path));
  const uint64_t tenth = space.ok() ? space->total_bytes / 10 : 0;
  return std::max(2 * options.memory_bytes, std::min(tenth, kDiskFreeCeiling));
}

std::string MarkPath(const std::string& path) { return path + ".mark"; }

}  // namespace

struct RocksStore::Impl {
  Impl(std::string store_path, const RocksOptions& store_options)
      : path(std::move(store_path)),
        options(store_options),
        guard(path, {.free_bytes_min = FreeBytesMin(path, options),
                     .reserve_bytes = options.reserve_bytes,
                     .probe = options.disk_probe}) {}

  /// Opens for writing what Inspect (or a person) found good, and sets the mark to what is there.
  absl::Status OpenToWrite(Mode mode);
  absl::Status Write(const Batch& batch);
  absl::Status Commit(const Batch& batch);

  // Fixed at construction.
  const std::string path;
  const RocksOptions options;

  // The appending thread's.
  DiskGuard guard;
  bool broken = false;
  std::unique_ptr<PathLock> lock;  // Goes last.
  std::unique_ptr<RocksDatabase> database;
  std::unique_ptr<CommitMarkFile> mark;

  mutable Mutex mutex;
  CommitPoint at ABSL_GUARDED_BY(mutex);  // Written by the appending thread.
};

absl::Status RocksStore::Impl::OpenToWrite(Mode mode) {
  LOCKSTEP_ASSIGN_OR_RETURN(
      database, RocksDatabase::Open(path, options, mode, RocksDatabase::Access::kWrite));
  LOCKSTEP_ASSIGN_OR_RETURN(const CommitPoint last, database->LastCommit());
  {
    MutexLock hold(&mutex);
    at = last;
  }
  // Decisions none: the format is the store's, not the fleet's, so a new store is at counter 0.
  rocksdb::WriteOptions synced;
  synced.sync = true;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(database->db()->Put(synced, database->family(Family::kMeta),
                                    SliceOf(MetaKey(kFormatMeta)), FormatRecord()),
                "writing the format of", path));
  LOCKSTEP_ASSIGN_OR_RETURN(
      mark, CommitMarkFile::Create(
                EnvOf(options), MarkPath(path),
                {.commit = last, .sequence = database->db()->GetLatestSequenceNumber()}));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(const std::string& path,
                                                             const RocksOptions& options) {
  auto impl = std::make_unique<Impl>(path, options);
  LOCKSTEP_ASSIGN_OR_RETURN(impl->lock, PathLock::Take(EnvOf(options), path));
  LOCKSTEP_RETURN_IF_ERROR(impl->guard.PrepareToOpen());
  absl::StatusOr<std::optional<CommitMark>> mark =
      CommitMarkFile::Read(EnvOf(options), MarkPath(path));
  if (absl::IsDataLoss(mark.status())) return LossError(path, mark.status().message());
  LOCKSTEP_RETURN_IF_ERROR(mark.status());
  LOCKSTEP_ASSIGN_OR_RETURN(Finding finding, Inspect(path, options, *mark));
  finding.database.reset();
  if (finding.mode != Mode::kAbsoluteConsistency) {
    Log(LogLevel::kWarning, "store ends in a torn record that was never acknowledged, dropped it",
        {{"store", path}, {"commit", finding.at.counter}});
  }
  LOCKSTEP_RETURN_IF_ERROR(impl->OpenToWrite(finding.mode));
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(impl)));
}

absl::StatusOr<LossReport> RocksStore::Recover(const std::string& path,
                                               const RocksOptions& options) {
  auto impl = std::make_unique<Impl>(path, options);
  LOCKSTEP_ASSIGN_OR_RETURN(impl->lock, PathLock::Take(EnvOf(options), path));
  LOCKSTEP_RETURN_IF_ERROR(impl->guard.PrepareToOpen());
  absl::StatusOr<std::optional<CommitMark>> mark =
      CommitMarkFile::Read(EnvOf(options), MarkPath(path));
  LossReport report;
  if (mark.ok()) {
    if (mark->has_value()) report.acknowledged = (*mark)->commit;
    if (const absl::StatusOr<Finding> finding = Inspect(path, options, *mark); finding.ok()) {
      report.found = finding->at;
      return report;  // Nothing is lost.
    } else if (!absl::IsDataLoss(finding.status())) {
      return finding.status();
    }
  }
  const std::string anew = absl::StrCat(
      "move \"", path, "\" and \"", MarkPath(path),
      "\" away and start lockstep-hub: it begins anew from Git, and agents wait for approval");
  if (EnvOf(options)->FileExists(path + "/CURRENT").IsNotFound()) {
    return absl::DataLossError(
        absl::StrCat("recovering the store \"", path, "\": there is nothing to open; ", anew));
  }
  if (absl::Status opened = impl->OpenToWrite(Mode::kPointInTimeRecovery); !opened.ok()) {
    return absl::DataLossError(
        absl::StrCat("recovering the store \"", path, "\": ", opened.message(), "; ", anew));
  }
  {
    MutexLock hold(&impl->mutex);
    report.found = impl->at;
  }
  store::v1::AcceptedLoss loss;
  loss.set_counter_before(report.acknowledged.counter);
  loss.set_counter_after(report.found.counter);
  loss.mutable_time()->set_seconds(absl::ToUnixSeconds(options.clock->Now()));
  Batch batch;
  batch.Put(Family::kMeta, MetaKey(kLossMeta), loss.SerializeAsString());
  LOCKSTEP_RETURN_IF_ERROR(impl->Commit(batch));
  return report;
}

RocksStore::RocksStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksStore::~RocksStore() = default;

absl::Status RocksStore::Append(const Batch& batch) {
  LOCKSTEP_RETURN_IF_ERROR(CheckBatch(batch));
  if (impl_->broken) {
    return absl::FailedPreconditionError(
        absl::StrCat("appending to \"", impl_->path,
                     "\": an earlier append failed, so what is stored is unknown; start again"));
  }
  absl::Status status = impl_->Write(batch);
  impl_->broken = !status.ok();
  return status;
}

absl::Status RocksStore::Impl::Write(const Batch& batch) {
  if (batch.empty()) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(guard.CheckAppend(batch.bytes()));
  return Commit(batch);
}

absl::Status RocksStore::Impl::Commit(const Batch& batch) {
  CommitPoint next;
  {
    MutexLock hold(&mutex);
    next = NextCommit(at, batch);
  }
  rocksdb::WriteBatch write(batch.bytes() + 1024);
  const auto add = [&](const Batch::Record& record) {
    rocksdb::ColumnFamilyHandle* const family = database->family(record.family);
    return FromRocks(record.value.has_value() ? write.Put(family, record.key, *record.value)
                                              : write.Delete(family, record.key),
                     "appending to", path);
  };
  for (const Batch::Record& record : batch.records()) LOCKSTEP_RETURN_IF_ERROR(add(record));
  if (batch.HasDecisions()) {
    const Batch link = EncodeChainLink({.point = next, .time = options.clock->Now()});
    LOCKSTEP_RETURN_IF_ERROR(add(link.records()[0]));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(database->db()->Write(synced, &write), "appending to", path));
  LOCKSTEP_RETURN_IF_ERROR(mark->Write(
      {.commit = next, .sequence = database->db()->GetLatestSequenceNumber()},
      batch.HasDecisions() ? CommitMarkFile::Sync::kNow : CommitMarkFile::Sync::kLater));
  MutexLock hold(&mutex);
  at = next;
  return absl::OkStatus();
}

CommitPoint RocksStore::at() const {
  MutexLock hold(&impl_->mutex);
  return impl_->at;
}

absl::StatusOr<std::string> RocksStore::Get(Family family, absl::string_view key) const {
  std::string value;
  const rocksdb::Status status = impl_->database->db()->Get(
      rocksdb::ReadOptions(), impl_->database->family(family), SliceOf(key), &value);
  if (!status.ok())
    return FromRocks(status, absl::StrCat("reading ", FamilyName(family), " of"), impl_->path);
  return value;
}

absl::Status RocksStore::Scan(Family family, absl::string_view prefix, absl::string_view from,
                              Visitor visit) const {
  const std::string end = PrefixEnd(prefix);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  if (!end.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> iterator(
      impl_->database->db()->NewIterator(options, impl_->database->family(family)));
  for (iterator->Seek(SliceOf(std::max(prefix, from))); iterator->Valid(); iterator->Next()) {
    // An all-0xff prefix has no end to bound by.
    if (!absl::StartsWith(ViewOf(iterator->key()), prefix)) break;
    if (!visit(ViewOf(iterator->key()), ViewOf(iterator->value()))) break;
  }
  return FromRocks(iterator->status(), absl::StrCat("reading ", FamilyName(family), " of"),
                   impl_->path);
}

absl::Status RocksStore::CheckRoom() { return impl_->guard.Check(); }

absl::Status RocksStore::CheckRoomFor(uint64_t bytes) { return impl_->guard.CheckRoomFor(bytes); }

uint64_t RocksStore::ApproximateBytes() const {
  uint64_t bytes = 0;
  for (int i = 0; i < kFamilyCount; ++i) {
    for (const std::string& property : {rocksdb::DB::Properties::kTotalSstFilesSize,
                                        rocksdb::DB::Properties::kSizeAllMemTables}) {
      uint64_t value = 0;
      impl_->database->db()->GetIntProperty(impl_->database->family(static_cast<Family>(i)),
                                            property, &value);
      bytes += value;
    }
  }
  return bytes;
}

}  // namespace lockstep
