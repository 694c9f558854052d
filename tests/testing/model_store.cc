#include "tests/testing/model_store.h"

#include <algorithm>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/record/chain.h"
#include "hub/record/key.h"

namespace lockstep {

void ModelStore::Apply(const Batch& batch, State* state) {
  for (const Batch::Record& record : batch.records()) {
    auto& records = state->families[static_cast<size_t>(record.family)];
    if (record.value.has_value()) {
      records[record.key] = *record.value;
    } else {
      records.erase(record.key);
    }
  }
  state->at = NextCommit(state->at, batch);
}

absl::Status ModelStore::Append(const Batch& batch) {
  LOCKSTEP_RETURN_IF_ERROR(CheckBatch(batch));
  MutexLock lock(&mutex_);
  if (broken_) return absl::FailedPreconditionError("appending: an earlier append failed");
  Batch whole = batch;
  if (batch.HasDecisions()) {
    whole.Append(EncodeChainLink({.point = NextCommit(live_.at, batch), .time = clock_->Now()}));
  }
  if (std::exchange(fail_next_, false)) {
    broken_ = true;
    pending_.push_back(std::move(whole));
    return absl::InternalError("appending: the disk failed");
  }
  Apply(whole, &live_);
  if (sync_ == Sync::kEach) {
    Apply(whole, &durable_);
  } else {
    pending_.push_back(std::move(whole));
  }
  return absl::OkStatus();
}

CommitPoint ModelStore::at() const {
  MutexLock lock(&mutex_);
  return live_.at;
}

absl::StatusOr<std::string> ModelStore::Get(Family family, absl::string_view key) const {
  MutexLock lock(&mutex_);
  const auto& records = live_.families[static_cast<size_t>(family)];
  const auto found = records.find(key);
  if (found != records.end()) return found->second;
  return absl::NotFoundError(absl::StrCat("reading ", FamilyName(family), ": no such record"));
}

absl::Status ModelStore::Scan(Family family, absl::string_view prefix, absl::string_view from,
                              Visitor visit) const {
  std::vector<std::pair<std::string, std::string>> found;
  {
    MutexLock lock(&mutex_);
    const auto& records = live_.families[static_cast<size_t>(family)];
    for (auto each = records.lower_bound(std::max(prefix, from));
         each != records.end() && absl::StartsWith(each->first, prefix); ++each) {
      found.push_back(*each);
    }
  }
  for (const auto& [key, value] : found) {
    if (!visit(key, value)) break;
  }
  return absl::OkStatus();
}

absl::Status ModelStore::CheckRoom() {
  MutexLock lock(&mutex_);
  return full_ ? absl::ResourceExhaustedError("the disk is too full") : absl::OkStatus();
}

absl::Status ModelStore::CheckRoomFor(uint64_t bytes) {
  MutexLock lock(&mutex_);
  return bytes > room_ ? absl::ResourceExhaustedError("they do not fit on the disk")
                       : absl::OkStatus();
}

void ModelStore::SetRoom(uint64_t bytes) {
  MutexLock lock(&mutex_);
  room_ = bytes;
}

uint64_t ModelStore::ApproximateBytes() const {
  MutexLock lock(&mutex_);
  uint64_t bytes = 0;
  for (const auto& records : live_.families) {
    for (const auto& [key, value] : records) bytes += key.size() + value.size();
  }
  return bytes;
}

void ModelStore::Crash(Rng* rng) {
  MutexLock lock(&mutex_);
  const size_t kept = pending_.empty() ? 0 : rng->Below(pending_.size() + 1);
  for (size_t i = 0; i < kept; ++i) Apply(pending_[i], &durable_);
  pending_.clear();
  live_ = durable_;
  fail_next_ = false;
  broken_ = false;
}

void ModelStore::FailNextAppend() {
  MutexLock lock(&mutex_);
  fail_next_ = true;
}

void ModelStore::SetFull(bool full) {
  MutexLock lock(&mutex_);
  full_ = full;
}

void ModelStore::Damage(Family family, const std::string& key, const std::string& bytes) {
  MutexLock lock(&mutex_);
  live_.families[static_cast<size_t>(family)][key] = bytes;
  durable_.families[static_cast<size_t>(family)][key] = bytes;
}

ModelStore::Snapshot ModelStore::Save() const {
  MutexLock lock(&mutex_);
  Snapshot snapshot;
  snapshot.state_ = durable_;
  return snapshot;
}

void ModelStore::Restore(const Snapshot& snapshot) {
  MutexLock lock(&mutex_);
  live_ = snapshot.state_;
  durable_ = snapshot.state_;
  pending_.clear();
  broken_ = false;
}

}  // namespace lockstep
