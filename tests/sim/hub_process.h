#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/render/parse_cache.h"
#include "hub/core/state.h"
#include "hub/core/step.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"
#include "tests/testing/model_store.h"

namespace lockstep::sim {

/// A hub: the real core and store records, the loop's order of things (hub/loop/loop.cc) on virtual
/// time, fetching and rendering from GitModels. It may die between any two effects.
class HubProcess : public HubEnd {
 public:
  HubProcess(World* world, Network* network, Oracle* oracle);

  void Start();
  /// It comes back by itself.
  void Crash();
  /// It does not come back.
  void Stop();
  /// Until it is said otherwise its disk is nearly full.
  void SetDiskFull(bool full);

  bool up() const override { return up_; }
  void Post(Event event) override;

  using Done = std::function<void(const absl::StatusOr<ReplyBody>&)>;
  using Action = decltype(event::Command::action);
  /// `done` is called at most once: a crash forgets it.
  void Ask(Action action, Done done);

  /// What is durable; only while it is up and no batch is under way.
  const HubState& state() const { return state_; }
  /// A blob for an agent, as the blob service gives it.
  absl::StatusOr<std::string> ReadBlob(const std::string& cluster, const Digest& digest);

 private:
  void WakeAt(absl::Time time);
  void Drain();
  void RunBatch(std::vector<Event> events);
  static std::vector<Effect> AcksOf(const std::vector<Event>& events);
  void Overlook(event::AgentHello* hello) const;
  void FillChain(event::AgentHello* hello) const;
  bool Commit(std::vector<Effect>* effects);
  bool LetGo(std::vector<Effect> effects);
  void Perform(const Effect& effect);
  void StartFetch(const effect::StartFetch& fetch);
  event::Fetched Fetch(const NamespacedName& name, const std::string& before);
  void StartRender(const effect::StartRender& render);
  // Runs `task` later, unless the process has died by then.
  void Later(absl::Duration delay, std::function<void()> task);
  bool MayDie();
  void MaybeSave();

  World& world_;
  Network& network_;
  Oracle& oracle_;
  ModelStore store_;
  bool disk_full_ = false;
  struct Copy {
    ModelStore::Snapshot store;
    std::map<uint64_t, Digest> commits;
  };
  std::vector<Copy> copies_;  // Older states, for a restore.

  bool up_ = false;
  uint64_t run_ = 0;
  HubState state_;
  std::deque<Event> events_;
  absl::Time wake_ = absl::InfiniteFuture();
  std::map<uint64_t, Done> waiting_;
  uint64_t next_request_ = 1;
  bool committed_ = false;  // The state is what the store says.
  bool unknown_ = false;    // An append failed: what the store holds is chance's.
};

}  // namespace lockstep::sim
