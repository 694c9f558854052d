#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/core/record.h"
#include "agent/store/storage.h"
#include "common/base/random.h"

namespace lockstep::sim {

/// An agent's disk. When the power goes, of what was not synced some first part survives, as in the
/// journal that it stands for.
class AgentDisk : public AgentStorage {
 public:
  explicit AgentDisk(bool forgets_synced) : forgets_synced_(forgets_synced) {}

  absl::Status Write(const agent_effect::Persist& persist) override;
  absl::Status AddBlob(const Digest& digest, absl::string_view bytes) override;
  absl::StatusOr<std::string> ReadBlob(const Digest& digest) const override;
  bool WantsSweep() const override { return blobs_.size() > swept_ + 20; }
  absl::Status Sweep(const DurableState& state, const std::set<Digest>& keep) override;

  void LosePower(Rng* rng);
  /// What a restart finds.
  const DurableState& written() const { return written_; }
  /// What no power loss can take.
  const DurableState& synced() const { return synced_; }

 private:
  struct Entry {
    std::vector<Record> records;
    std::map<Digest, std::string> blobs;
  };
  void Add(Entry entry, bool synced);

  // Fixed at construction.
  const bool forgets_synced_;  // Broken on purpose.

  DurableState written_;
  DurableState synced_;
  std::map<Digest, std::string> blobs_;
  std::map<Digest, std::string> synced_blobs_;
  std::vector<Entry> pending_;  // Written, not synced.
  size_t swept_ = 0;
};

}  // namespace lockstep::sim
