#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/record.h"
#include "agent/store/storage.h"
#include "common/base/random.h"
#include "tests/sim/settings.h"

namespace lockstep::sim {

/// An agent's disk: a journal of encoded records, as agent/store/agent_store.cc keeps it, in
/// memory. A restart has only its bytes. When the power goes, of what was not synced some first
/// part survives.
class AgentDisk : public AgentStorage {
 public:
  explicit AgentDisk(Mutation mutation) : mutation_(mutation) {}

  absl::Status Write(const agent_effect::Persist& persist) override;
  absl::Status AddBlob(const Digest& digest, absl::string_view bytes) override;
  absl::StatusOr<std::string> ReadBlob(const Digest& digest) const override;
  bool WantsSweep() const override { return blobs_.size() > swept_ + 20; }
  absl::Status Sweep(const DurableState& state, const std::set<Digest>& keep) override;

  // Faults.
  void SetFull(bool full) { full_ = full; }
  /// The next synced write fails, and all after it until Open.
  void FailNextSync() { fail_sync_ = true; }
  /// Returns a write whose sync had failed, where it is there after all.
  std::optional<agent_effect::Persist> LosePower(Rng* rng);

  /// What a restart reads back.
  absl::StatusOr<DurableState> Open();

  /// What was written, as the writer meant it.
  const DurableState& written() const { return written_; }
  /// What of it no power loss can take.
  const DurableState& synced() const { return synced_; }

 private:
  struct Frame {
    std::string records;  // Encoded.
    std::map<Digest, std::string> blobs;
  };
  absl::Status CheckRoom() const;
  void Add(const std::vector<Record>& records, std::map<Digest, std::string> blobs, bool synced);

  // Fixed at construction.
  const Mutation mutation_;  // What is broken on purpose.

  std::vector<Frame> frames_;  // The whole journal.
  size_t synced_frames_ = 0;
  std::map<Digest, std::string> blobs_;       // By what the frames hold.
  std::vector<std::vector<Record>> pending_;  // Of the frames that are not synced.
  DurableState written_;
  DurableState synced_;
  size_t swept_ = 0;
  bool full_ = false;
  bool fail_sync_ = false;
  std::optional<agent_effect::Persist> unsure_;  // Its sync failed.
};

}  // namespace lockstep::sim
