#include "tests/testing/unsynced_fs.h"

#include <algorithm>
#include <limits>
#include <signal.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <rocksdb/system_clock.h>

#include "common/base/file.h"

namespace lockstep {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

IOStatus PowerIsGone() { return IOStatus::IOError("the power is gone"); }

class ImpatientClock : public rocksdb::SystemClockWrapper {
 public:
  ImpatientClock() : SystemClockWrapper(SystemClock::Default()) {}
  const char* Name() const override { return "ImpatientClock"; }
  void SleepForMicroseconds(int) override {}
};

class ImpatientEnv : public rocksdb::EnvWrapper {
 public:
  explicit ImpatientEnv(const std::shared_ptr<UnsyncedFs>& fs)
      : EnvWrapper(rocksdb::NewCompositeEnv(fs)) {
    system_clock_ = std::make_shared<ImpatientClock>();
  }
  const char* Name() const override { return "ImpatientEnv"; }
};

}  // namespace

/// A file that is appended to.
class UnsyncedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  UnsyncedFile(UnsyncedFs* fs, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        fs_(fs),
        path_(std::move(path)),
        boot_(fs->boot_) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (IOStatus status = Step(); !status.ok()) return status;
    return target()->Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    bool real = true;
    if (boot_ != fs_->boot_) return PowerIsGone();
    if (IOStatus status = fs_->StepSync(&real); !status.ok()) return status;
    if (IOStatus status = target()->Flush(options, debug); !status.ok() || !real) return status;
    const uint64_t bytes = target()->GetFileSize(options, debug);
    MutexLock lock(&fs_->mutex_);
    fs_->files_[path_].bytes = bytes;
    return IOStatus::OK();
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return target()->Close(options, debug);
  }

 private:
  IOStatus Step() { return boot_ == fs_->boot_ ? fs_->Step() : PowerIsGone(); }

  UnsyncedFs* const fs_;
  const std::string path_;
  const uint64_t boot_;
};

/// A file that is written in place.
class UnsyncedRandomFile : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  UnsyncedRandomFile(UnsyncedFs* fs, std::string path,
                     std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : FSRandomRWFileOwnerWrapper(std::move(file)),
        fs_(fs),
        path_(std::move(path)),
        boot_(fs->boot_) {}

  IOStatus Write(uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    if (boot_ != fs_->boot_) return PowerIsGone();
    if (IOStatus status = fs_->Step(); !status.ok()) return status;
    {
      MutexLock lock(&fs_->mutex_);
      fs_->files_[path_].writes.emplace_back(offset, data.ToString());
    }
    return FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    bool real = true;
    if (boot_ != fs_->boot_) return PowerIsGone();
    if (IOStatus status = fs_->StepSync(&real); !status.ok() || !real) return status;
    std::optional<std::string> content = fs_->ReadAll(path_);
    MutexLock lock(&fs_->mutex_);
    fs_->files_[path_] = {.content = std::move(content)};
    return IOStatus::OK();
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return Sync(options, debug);
  }

 private:
  UnsyncedFs* const fs_;
  const std::string path_;
  const uint64_t boot_;
};

class UnsyncedDirectory : public rocksdb::FSDirectory {
 public:
  UnsyncedDirectory(UnsyncedFs* fs, std::string path)
      : fs_(fs), path_(std::move(path)), boot_(fs->boot_) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    bool real = true;
    if (boot_ != fs_->boot_) return PowerIsGone();
    if (IOStatus status = fs_->StepSync(&real); !status.ok() || !real) return status;
    MutexLock lock(&fs_->mutex_);
    fs_->names_.erase(path_);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  UnsyncedFs* const fs_;
  const std::string path_;
  const uint64_t boot_;
};

UnsyncedFs::UnsyncedFs()
    : FileSystemWrapper(rocksdb::FileSystem::Default()),
      cut_at_(kNever),
      kill_at_(kNever),
      fail_sync_at_(kNever) {}

void UnsyncedFs::CutAfter(uint64_t steps) { cut_at_ = steps_ + steps; }
void UnsyncedFs::KillAfter(uint64_t steps) { kill_at_ = steps_ + steps; }
void UnsyncedFs::FailSyncAfter(uint64_t steps) { fail_sync_at_ = steps_ + steps; }

IOStatus UnsyncedFs::Step() {
  const uint64_t step = steps_++;
  if (step >= kill_at_) kill(getpid(), SIGKILL);
  return step >= cut_at_ ? PowerIsGone() : IOStatus::OK();
}

IOStatus UnsyncedFs::StepSync(bool* real) {
  *real = !ignore_syncs_;
  if (IOStatus status = Step(); !status.ok()) return status;
  if (steps_ <= fail_sync_at_) return IOStatus::OK();
  fail_sync_at_ = kNever;
  sync_failed_ = true;
  return IOStatus::IOError("injected: fdatasync failed");
}

std::optional<std::string> UnsyncedFs::ReadAll(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) return std::nullopt;
  return *std::move(bytes);
}

void UnsyncedFs::WriteAll(const std::string& path, const std::string& bytes) {
  WriteFileAtomic(path, bytes, Durability::kNone).IgnoreError();
}

IOStatus UnsyncedFs::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* result,
                                     IODebugContext* debug) {
  if (IOStatus status = Step(); !status.ok()) return status;
  const bool is_new = !PathExists(path);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  if (IOStatus status = target()->NewWritableFile(path, options, &file, debug); !status.ok()) {
    return status;
  }
  MutexLock lock(&mutex_);
  if (is_new) names_[DirName(path)].push_back({.made = path});
  files_[path] = {};
  *result = std::make_unique<UnsyncedFile>(this, path, std::move(file));
  return IOStatus::OK();
}

IOStatus UnsyncedFs::ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                        std::unique_ptr<rocksdb::FSWritableFile>*,
                                        IODebugContext*) {
  return IOStatus::NotSupported("UnsyncedFs does not reopen files");
}

IOStatus UnsyncedFs::NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                     std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                     IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  if (IOStatus status = target()->NewRandomRWFile(path, options, &file, debug); !status.ok()) {
    return status;
  }
  // All that was appended to it must have been synced before, or nothing is known to survive.
  std::optional<std::string> content = ReadAll(path);
  MutexLock lock(&mutex_);
  if (content.has_value()) {
    const auto known = files_.find(path);
    if (known != files_.end() && !known->second.content.has_value()) {
      content->resize(known->second.bytes);
    }
  }
  files_[path] = {.content = std::move(content)};
  *result = std::make_unique<UnsyncedRandomFile>(this, path, std::move(file));
  return IOStatus::OK();
}

IOStatus UnsyncedFs::NewDirectory(const std::string& path, const IOOptions&,
                                  std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) {
  *result = std::make_unique<UnsyncedDirectory>(this, path);
  return IOStatus::OK();
}

IOStatus UnsyncedFs::RenameFile(const std::string& from, const std::string& to,
                                const IOOptions& options, IODebugContext* debug) {
  if (IOStatus status = Step(); !status.ok()) return status;
  std::optional<std::string> before = ReadAll(to);
  if (IOStatus status = target()->RenameFile(from, to, options, debug); !status.ok()) return status;
  MutexLock lock(&mutex_);
  names_[DirName(to)].push_back({.made = to, .removed = from, .made_before = std::move(before)});
  const auto moved = files_.find(from);
  files_.erase(to);
  if (moved != files_.end()) {
    files_[to] = std::move(moved->second);
    files_.erase(from);
  }
  return IOStatus::OK();
}

IOStatus UnsyncedFs::DeleteFile(const std::string& path, const IOOptions& options,
                                IODebugContext* debug) {
  if (IOStatus status = Step(); !status.ok()) return status;
  std::optional<std::string> before = ReadAll(path);
  if (IOStatus status = target()->DeleteFile(path, options, debug); !status.ok()) return status;
  MutexLock lock(&mutex_);
  const auto known = files_.find(path);
  if (known != files_.end()) {
    if (before.has_value() && !known->second.content.has_value()) {
      before->resize(known->second.bytes);
    }
    files_.erase(known);
  }
  names_[DirName(path)].push_back({.removed = path, .removed_before = std::move(before)});
  return IOStatus::OK();
}

void UnsyncedFs::PowerLoss(Rng* rng) {
  MutexLock lock(&mutex_);
  UndoNames(rng);
  ForgetBytes(rng);
  names_.clear();
  files_.clear();
  ++boot_;
  cut_at_ = kNever;
  fail_sync_at_ = kNever;
}

void UnsyncedFs::UndoNames(Rng* rng) {
  for (auto& [directory, changes] : names_) {
    const uint64_t survive = rng->Below(changes.size() + 1);
    while (changes.size() > survive) {
      const NameChange change = std::move(changes.back());
      changes.pop_back();
      if (!change.made.empty() && !change.removed.empty()) {
        target()->RenameFile(change.made, change.removed, {}, nullptr).PermitUncheckedError();
        if (const auto moved = files_.find(change.made); moved != files_.end()) {
          files_[change.removed] = std::move(moved->second);
          files_.erase(change.made);
        }
      } else if (!change.made.empty()) {
        target()->DeleteFile(change.made, {}, nullptr).PermitUncheckedError();
        files_.erase(change.made);
      }
      if (change.made_before.has_value()) WriteAll(change.made, *change.made_before);
      if (change.removed_before.has_value()) WriteAll(change.removed, *change.removed_before);
    }
  }
}

void UnsyncedFs::ForgetBytes(Rng* rng) {
  for (auto& [path, synced] : files_) {
    std::optional<std::string> bytes = ReadAll(path);
    if (!bytes.has_value()) continue;
    if (synced.content.has_value()) {
      bytes = *synced.content;
      for (auto& [offset, data] : synced.writes) {
        data.resize(rng->Below(3) == 0 ? data.size() : rng->Below(data.size() + 1));
        bytes->resize(std::max(bytes->size(), offset + data.size()));
        bytes->replace(offset, data.size(), data);
      }
    } else if (bytes->size() > synced.bytes) {
      bytes->resize(synced.bytes + rng->Below(bytes->size() - synced.bytes + 1));
      const uint64_t tail = bytes->size() - synced.bytes;
      if (absl::EndsWith(path, ".log") && tail > 0 && rng->Below(4) == 0) {
        // The size came to the disk, the bytes did not.
        const uint64_t from = synced.bytes + rng->Below(tail);
        bytes->replace(from, std::string::npos, bytes->size() - from, '\0');
      }
    }
    WriteAll(path, *bytes);
  }
}

std::unique_ptr<rocksdb::Env> MakeEnv(const std::shared_ptr<UnsyncedFs>& fs) {
  return std::make_unique<ImpatientEnv>(fs);
}

}  // namespace lockstep
