#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "hub/store/store.h"

namespace lockstep {

/// Store in memory with a disk that can be pulled out: the simulation's. Passes the same contract
/// as RocksStore.
class ModelStore : public Store {
 public:
  enum class Sync : uint8_t {
    kEach,   // As the contract says.
    kNever,  // Broken on purpose: Append says OK and Crash may forget it. Control runs must fail
             // with it.
  };
  /// `clock` stamps the chain's links. Borrowed; outlives this.
  explicit ModelStore(Clock* clock, Sync sync = Sync::kEach) : clock_(clock), sync_(sync) {}

  absl::Status Append(const Batch& batch) override;
  CommitPoint at() const override;
  absl::StatusOr<std::string> Get(Family family, absl::string_view key) const override;
  absl::Status Scan(Family family, absl::string_view prefix, absl::string_view from,
                    Visitor visit) const override;
  absl::Status CheckRoom() override;
  absl::Status CheckRoomFor(uint64_t bytes) override;
  uint64_t ApproximateBytes() const override;

  /// The power goes: of what is not durable some first part survives. The store is then as after a
  /// restart: a failed append is forgiven.
  void Crash(Rng* rng);

  /// The next append fails. Whether it is there after the crash is chance's.
  void FailNextAppend();
  void SetFull(bool full);
  /// How much CheckRoomFor allows from now on.
  void SetRoom(uint64_t bytes);
  /// Puts bytes where a record was or was not, behind everybody's back (SECURITY A-89).
  void Damage(Family family, const std::string& key, const std::string& bytes);
  /// Goes back to how it was at `snapshot` (FAULTS F-17).
  class Snapshot;
  Snapshot Save() const;
  void Restore(const Snapshot& snapshot);

 private:
  struct State {
    std::array<std::map<std::string, std::string, std::less<>>, kFamilyCount> families;
    CommitPoint at;
  };
  static void Apply(const Batch& batch, State* state);

  Clock* const clock_;
  const Sync sync_;

  mutable Mutex mutex_;
  State live_ ABSL_GUARDED_BY(mutex_);
  State durable_ ABSL_GUARDED_BY(mutex_);
  std::vector<Batch> pending_
      ABSL_GUARDED_BY(mutex_);  // Applied to live_ or failed, not in durable_.
  bool fail_next_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t room_ ABSL_GUARDED_BY(mutex_) = UINT64_MAX;
};

class ModelStore::Snapshot {
 private:
  friend class ModelStore;
  State state_;
};

}  // namespace lockstep
