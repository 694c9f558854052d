#include "agent/store/agent_store.h"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <absl/cleanup/cleanup.h>
#include <absl/strings/str_cat.h>

#include "agent/store/record_codec.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

enum class Type : uint8_t { kBlob = 1, kRecords = 2 };  // kBlob: digest, bytes.

constexpr uint64_t kSweepFrom = 1 << 20;
constexpr uint64_t kSweepGrowth = 3;

uint64_t AddBlobFrame(const Digest& digest, absl::string_view bytes, Journal* journal) {
  return journal->Add(static_cast<uint8_t>(Type::kBlob), absl::StrCat(digest.bytes(), bytes)) +
         Digest::kSize;
}

void AddRecordsFrame(const std::vector<Record>& records, Journal* journal) {
  journal->Add(static_cast<uint8_t>(Type::kRecords), EncodeRecords(records));
}

}  // namespace

absl::StatusOr<AgentStore::Opened> AgentStore::Open(Options options) {
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(options.directory, 0700));
  const std::string lock_path = absl::StrCat(options.directory, "/lock");
  OwnedFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return FileError(errno, "opening", lock_path);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("opening the agent's state in \"", options.directory,
                     "\": another agent has it open; stop that one or use another directory"));
  }
  Opened opened;
  opened.store.reset(new AgentStore(std::move(options), std::move(lock)));
  AgentStore& store = *opened.store;
  LOCKSTEP_RETURN_IF_ERROR(RemoveFile(absl::StrCat(store.Path(), ".new")));  // Of a cut sweep.
  Index blobs;
  const auto visit = [&](uint8_t type, absl::string_view body, uint64_t offset) -> absl::Status {
    if (type == static_cast<uint8_t>(Type::kBlob) && body.size() >= Digest::kSize) {
      LOCKSTEP_ASSIGN_OR_RETURN(const Digest digest,
                                Digest::FromBytes(body.substr(0, Digest::kSize)));
      blobs[digest] = {offset + Digest::kSize, static_cast<uint32_t>(body.size() - Digest::kSize)};
      return absl::OkStatus();
    }
    if (type != static_cast<uint8_t>(Type::kRecords)) return absl::OkStatus();
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Record> records, DecodeRecords(body));
    for (const Record& record : records) ApplyRecord(record, &opened.state);
    return absl::OkStatus();
  };
  LOCKSTEP_ASSIGN_OR_RETURN(Journal journal, Journal::Open(store.Path(), visit));
  store.size_ = journal.size();
  MutexLock hold(&store.mutex_);
  store.blobs_ = std::move(blobs);
  store.journal_ = std::make_shared<Journal>(std::move(journal));
  return opened;
}

std::shared_ptr<Journal> AgentStore::Current() const {
  MutexLock lock(&mutex_);
  return journal_;
}

absl::Status AgentStore::Write(const agent_effect::Persist& persist) {
  MutexLock append(&append_mutex_);
  const std::shared_ptr<Journal> journal = Current();
  std::vector<std::pair<Digest, Place>> places;
  for (const auto& [digest, bytes] : persist.blobs) {
    places.emplace_back(digest, Place{AddBlobFrame(digest, bytes, journal.get()),
                                      static_cast<uint32_t>(bytes.size())});
  }
  AddRecordsFrame(persist.records, journal.get());
  if (persist.synced) ++syncs_;
  LOCKSTEP_RETURN_IF_ERROR(journal->Commit(persist.synced, options_.bytes_max));
  size_ = journal->size();
  MutexLock lock(&mutex_);
  for (const auto& [digest, place] : places) blobs_[digest] = place;
  return absl::OkStatus();
}

absl::Status AgentStore::AddBlob(const Digest& digest, absl::string_view bytes) {
  if (Digest::Of(bytes) != digest) {
    return absl::InvalidArgumentError(
        absl::StrCat("keeping blob ", digest.Short(), ": it is not what its digest names"));
  }
  MutexLock append(&append_mutex_);
  const std::shared_ptr<Journal> journal = Current();
  const Place place{AddBlobFrame(digest, bytes, journal.get()),
                    static_cast<uint32_t>(bytes.size())};
  LOCKSTEP_RETURN_IF_ERROR(journal->Commit(false, options_.bytes_max));
  size_ = journal->size();
  MutexLock lock(&mutex_);
  blobs_[digest] = place;  // Replaces one that was damaged.
  return absl::OkStatus();
}

absl::StatusOr<std::string> AgentStore::ReadBlob(const Digest& digest) const {
  std::shared_ptr<const Journal> journal;
  Place place;
  {
    MutexLock lock(&mutex_);
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) {
      return absl::NotFoundError(absl::StrCat("reading blob ", digest.Short(), ": not kept here"));
    }
    journal = journal_;
    place = found->second;
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::string bytes, journal->Read(place.offset, place.length));
  if (Digest::Of(bytes) != digest) {
    return absl::DataLossError(
        absl::StrCat("reading blob ", digest.Short(), ": its bytes have changed on the disk"));
  }
  return bytes;
}

bool AgentStore::WantsSweep() const {
  return size_ > std::max(kSweepFrom, kSweepGrowth * swept_size_);
}

absl::Status AgentStore::Sweep(const DurableState& state, const std::set<Digest>& keep) {
  MutexLock append(&append_mutex_);
  std::set<Digest> wanted = keep;
  for (const auto& [name, application] : state.applications) {
    for (const ManifestEntry& entry : application.target.manifest->entries()) {
      wanted.insert(entry.blob);
    }
  }
  const std::string path = absl::StrCat(Path(), ".new");
  LOCKSTEP_RETURN_IF_ERROR(RemoveFile(path));
  LOCKSTEP_ASSIGN_OR_RETURN(Journal fresh, Journal::Create(path));
  absl::Cleanup remove = [&] { unlink(path.c_str()); };
  Index places;
  for (const Digest& digest : wanted) {
    const absl::StatusOr<std::string> bytes = ReadBlob(digest);
    if (!bytes.ok()) continue;  // Damaged: fetched again when it is needed.
    places[digest] = {AddBlobFrame(digest, *bytes, &fresh), static_cast<uint32_t>(bytes->size())};
    LOCKSTEP_RETURN_IF_ERROR(fresh.Commit(false, options_.bytes_max));
  }
  AddRecordsFrame(RecordsOf(state), &fresh);
  ++syncs_;
  LOCKSTEP_RETURN_IF_ERROR(fresh.Commit(true, options_.bytes_max));
  if (rename(path.c_str(), Path().c_str()) != 0) return FileError(errno, "renaming to", Path());
  std::move(remove).Cancel();
  swept_size_ = size_ = fresh.size();
  {
    MutexLock lock(&mutex_);
    journal_ = std::make_shared<Journal>(std::move(fresh));
    blobs_ = std::move(places);
  }
  const absl::Status synced = SyncDirectory(options_.directory);
  if (synced.ok()) return synced;
  // What is promised from now on is in a file whose name may be lost with the power.
  return absl::DataLossError(synced.message());
}

}  // namespace lockstep
