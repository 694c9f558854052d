#include "tests/sim/agent_disk.h"

#include <utility>

namespace lockstep::sim {

absl::Status AgentDisk::Write(const agent_effect::Persist& persist) {
  Entry entry{persist.records, {persist.blobs.begin(), persist.blobs.end()}};
  Add(std::move(entry), persist.synced && !forgets_synced_);
  return absl::OkStatus();
}

absl::Status AgentDisk::AddBlob(const Digest& digest, absl::string_view bytes) {
  if (Digest::Of(bytes) != digest) return absl::InvalidArgumentError("not that blob");
  Add({{}, {{digest, std::string(bytes)}}}, false);
  return absl::OkStatus();
}

void AgentDisk::Add(Entry entry, bool synced) {
  for (const Record& record : entry.records) ApplyRecord(record, &written_);
  for (const auto& [digest, bytes] : entry.blobs) blobs_[digest] = bytes;
  pending_.push_back(std::move(entry));
  if (!synced) return;
  for (const Entry& each : pending_) {
    for (const Record& record : each.records) ApplyRecord(record, &synced_);
    synced_blobs_.insert(each.blobs.begin(), each.blobs.end());
  }
  pending_.clear();
}

absl::StatusOr<std::string> AgentDisk::ReadBlob(const Digest& digest) const {
  const auto at = blobs_.find(digest);
  if (at == blobs_.end()) return absl::NotFoundError("no such blob");
  return at->second;
}

absl::Status AgentDisk::Sweep(const DurableState& state, const std::set<Digest>& keep) {
  const auto goes = [&](const auto& blob) {
    return !HasBlob(state, blob.first) && !keep.contains(blob.first);
  };
  std::erase_if(blobs_, goes);
  synced_blobs_ = blobs_;
  written_ = synced_ = state;
  pending_.clear();
  swept_ = blobs_.size();
  return absl::OkStatus();
}

void AgentDisk::LosePower(Rng* rng) {
  const size_t kept = pending_.empty() ? 0 : rng->Below(pending_.size() + 1);
  pending_.resize(kept);
  for (const Entry& each : pending_) {
    for (const Record& record : each.records) ApplyRecord(record, &synced_);
    synced_blobs_.insert(each.blobs.begin(), each.blobs.end());
  }
  pending_.clear();
  written_ = synced_;
  blobs_ = synced_blobs_;
}

}  // namespace lockstep::sim
