#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/store/journal.h"
#include "agent/store/storage.h"
#include "common/base/file.h"
#include "common/base/mutex.h"

namespace lockstep {

/// An agent's state in one journal, `DIRECTORY/state`, with `DIRECTORY/lock` beside it.
///
/// An accepted Desired costs one write and one fdatasync, whatever it holds: its blobs and the
/// records of all its applications are one commit, so a hand-over between two of them is kept
/// whole or not at all. Blobs stay on disk; memory holds where each one lies (about 60 bytes).
/// docs/decisions/0007-one-journal-per-agent.md says why it is not a file per application.
class AgentStore : public AgentStorage {
 public:
  struct Options {
    std::string directory;
    uint64_t bytes_max = uint64_t{4} << 30;
  };
  struct Opened {
    std::unique_ptr<AgentStore> store;
    DurableState state;
  };

  /// Opens or makes the state. FAILED_PRECONDITION if another agent has it open, or for a newer
  /// format; DATA_LOSS for damage.
  static absl::StatusOr<Opened> Open(Options options);

  absl::Status Write(const agent_effect::Persist& persist) override;
  absl::Status AddBlob(const Digest& digest, absl::string_view bytes) override;
  absl::StatusOr<std::string> ReadBlob(const Digest& digest) const override;
  bool WantsSweep() const override;
  absl::Status Sweep(const DurableState& state, const std::set<Digest>& keep) override;

  /// Calls of fdatasync on the journal so far.
  uint64_t syncs() const { return syncs_.load(); }
  /// Of the journal.
  uint64_t bytes() const { return size_.load(); }

 private:
  struct Place {
    uint64_t offset = 0;
    uint32_t length = 0;
  };
  using Index = absl::flat_hash_map<Digest, Place>;

  AgentStore(Options options, OwnedFd lock)
      : options_(std::move(options)), lock_(std::move(lock)) {}

  std::string Path() const { return options_.directory + "/state"; }
  std::shared_ptr<Journal> Current() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Fixed when open.
  const Options options_;
  const OwnedFd lock_;

  // Held by whoever appends, disk writes included: a journal has one end. Taken before mutex_.
  Mutex append_mutex_;

  // Guarded by mutex_, which is never held over a disk write. The journal is shared with reads that
  // are under way while it is replaced.
  mutable Mutex mutex_;
  std::shared_ptr<Journal> journal_ ABSL_GUARDED_BY(mutex_);
  Index blobs_ ABSL_GUARDED_BY(mutex_);

  std::atomic<uint64_t> size_{0};        // Of the journal.
  std::atomic<uint64_t> swept_size_{0};  // After the last sweep.
  std::atomic<uint64_t> syncs_{0};
};

}  // namespace lockstep
