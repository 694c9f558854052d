#include "tests/sim/agent_disk.h"

#include <utility>

#include "agent/store/record_codec.h"
#include "common/base/status.h"

namespace lockstep::sim {

absl::Status AgentDisk::CheckRoom() const {
  if (unsure_.has_value())
    return absl::UnavailableError("the disk failed to keep an earlier write");
  return full_ ? absl::ResourceExhaustedError("the disk is full") : absl::OkStatus();
}

absl::Status AgentDisk::Write(const agent_effect::Persist& persist) {
  LOCKSTEP_RETURN_IF_ERROR(CheckRoom());
  if (persist.synced && std::exchange(fail_sync_, false)) {
    unsure_ = persist;
    return absl::InternalError("syncing failed");
  }
  Add(persist.records, {persist.blobs.begin(), persist.blobs.end()},
      persist.synced && mutation_ != Mutation::kAgentForgetsWrites);
  return absl::OkStatus();
}

absl::Status AgentDisk::AddBlob(const Digest& digest, absl::string_view bytes) {
  if (Digest::Of(bytes) != digest) return absl::InvalidArgumentError("not that blob");
  LOCKSTEP_RETURN_IF_ERROR(CheckRoom());
  Add({}, {{digest, std::string(bytes)}}, false);
  return absl::OkStatus();
}

void AgentDisk::Add(const std::vector<Record>& records, std::map<Digest, std::string> blobs,
                    bool synced) {
  for (const Record& record : records) ApplyRecord(record, &written_);
  for (const auto& [digest, bytes] : blobs) blobs_[digest] = bytes;
  frames_.push_back({EncodeRecords(records), std::move(blobs)});
  pending_.push_back(records);
  if (!synced) return;
  for (const std::vector<Record>& each : std::exchange(pending_, {})) {
    for (const Record& record : each) ApplyRecord(record, &synced_);
  }
  synced_frames_ = frames_.size();
}

absl::StatusOr<std::string> AgentDisk::ReadBlob(const Digest& digest) const {
  const auto at = blobs_.find(digest);
  if (at == blobs_.end()) return absl::NotFoundError("no such blob");
  return at->second;
}

absl::Status AgentDisk::Sweep(const DurableState& state, const std::set<Digest>& keep) {
  LOCKSTEP_RETURN_IF_ERROR(CheckRoom());
  std::erase_if(blobs_, [&](const auto& blob) {
    return !HasBlob(state, blob.first) && !keep.contains(blob.first);
  });
  frames_.clear();
  pending_.clear();
  frames_.push_back({EncodeRecords(RecordsOf(state)), blobs_});
  synced_frames_ = 1;
  written_ = synced_ = state;
  swept_ = blobs_.size();
  return absl::OkStatus();
}

std::optional<agent_effect::Persist> AgentDisk::LosePower(Rng* rng) {
  std::optional<agent_effect::Persist> survived;
  const size_t most = pending_.size() + (unsure_.has_value() ? 1 : 0);
  const size_t kept = most == 0 ? 0 : rng->Below(most + 1);
  if (kept > pending_.size()) {
    survived = std::exchange(unsure_, std::nullopt);
    Add(survived->records, {survived->blobs.begin(), survived->blobs.end()}, false);
  }
  for (size_t i = 0; i < kept; ++i) {
    for (const Record& record : pending_[i]) ApplyRecord(record, &synced_);
  }
  frames_.resize(synced_frames_ + kept);
  synced_frames_ = frames_.size();
  pending_.clear();
  written_ = synced_;
  return survived;
}

absl::StatusOr<DurableState> AgentDisk::Open() {
  unsure_.reset();
  fail_sync_ = false;
  DurableState state;
  blobs_.clear();
  for (const Frame& frame : frames_) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Record> records, DecodeRecords(frame.records));
    for (const Record& record : records) ApplyRecord(record, &state);
    blobs_.insert(frame.blobs.begin(), frame.blobs.end());
  }
  if (mutation_ == Mutation::kRecordLosesField) {
    for (auto& [name, application] : state.applications) application.target.held = false;
  }
  return state;
}

}  // namespace lockstep::sim
