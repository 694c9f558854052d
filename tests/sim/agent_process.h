#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/state.h"
#include "agent/core/step.h"
#include "tests/sim/agent_disk.h"
#include "tests/sim/network.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sim_target.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

/// An agent: the real core and reconciler, the loop's order of things (agent/loop/agent_loop.cc) on
/// virtual time, on a model of its disk and of its target. It may die between any two effects and
/// any two objects.
class AgentProcess : public AgentEnd {
 public:
  using ReadBlob =
      std::function<absl::StatusOr<std::string>(const std::string& cluster, const Digest& digest)>;

  AgentProcess(World* world, Network* network, Oracle* oracle, std::string cluster,
               ReadBlob read_blob);

  /// A new agent with an empty disk and a new key, before the same target.
  void Enrol(Digest fingerprint);
  /// It comes back by itself.
  void Crash();
  /// Goes away for so long, as a machine that is switched off.
  void SwitchOff(absl::Duration away);

  const std::string& cluster() const override { return cluster_; }
  Digest fingerprint() const override { return fingerprint_; }
  uint64_t life() const override { return life_; }
  void OnLinkUp(SessionId stream) override;
  void OnLinkDown(const std::optional<Goodbye>& goodbye, bool was_up) override;
  void OnMessage(const HubMessage& message) override;

  bool up() const { return up_; }
  /// Enrolled and not removed.
  bool lives() const { return lives_; }
  const AgentState& state() const { return state_; }
  const AgentDisk& disk() const { return *disk_; }
  SimTarget& target() { return target_; }
  const std::string& target_uid() const { return target_uid_; }
  const std::vector<Digest>& old_keys() const { return old_keys_; }
  /// Somebody deletes what it remembers, but for its key.
  void LoseState();
  /// Somebody makes its target anew: all objects are gone, and it says so.
  void RebuildTarget();
  /// Until it is said otherwise its disk keeps nothing more.
  void SetDiskFull(bool full);

 private:
  void Begin();
  void Start();
  void Die(absl::Duration away);
  void Take(const AgentEvent& event);
  void Sweep();
  bool MayDie();
  void Later(absl::Duration delay, std::function<void()> task);
  void Connect(absl::Duration delay);
  void Run(const ReconcileTask& task, const std::shared_ptr<Cancellation>& cancellation);
  // Lets time pass for a run; false where this process is no more.
  bool Pass(uint64_t run);

  void Do(const agent_effect::Persist& effect);
  void Do(const agent_effect::Send& effect);
  void Do(const agent_effect::Fetch& effect);
  void Do(const agent_effect::Reconcile& effect);
  void Do(const agent_effect::CancelReconcile& effect);
  void Do(const agent_effect::Watch& effect);
  void Do(const agent_effect::Unwatch& effect);
  void Do(const agent_effect::SetTimer& effect);
  void Do(const agent_effect::CancelTimer& effect);
  void Do(const agent_effect::Stop& effect);

  World& world_;
  Network& network_;
  Oracle& oracle_;
  const std::string cluster_;
  const ReadBlob read_blob_;

  Digest fingerprint_;
  std::vector<Digest> old_keys_;
  uint64_t life_ = 0;
  std::string target_uid_;
  bool disk_full_ = false;
  std::shared_ptr<AgentDisk> disk_;  // Shared with runs that a dead process left behind.
  SimTarget target_;
  bool lives_ = false;

  // Of the process.
  bool up_ = false;
  uint64_t run_ = 0;
  AgentState state_;
  std::optional<SessionId> stream_;
  int failures_ = 0;  // Of connecting, in a row.
  bool welcomed_ = false;
  std::map<TimerId, uint64_t> timers_;  // The one that counts.
  uint64_t next_timer_ = 1;
  std::map<uint64_t, std::shared_ptr<Cancellation>> cancellations_;  // By reconcile run.
};

}  // namespace lockstep::sim
