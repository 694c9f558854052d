#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/agent_process.h"
#include "tests/sim/hub_process.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

/// Everybody who acts from outside: commits, label edits, suspensions, approvals, deletions,
/// clusters that leave and come back, hands on the targets.
class People {
 public:
  People(World* world, HubProcess* hub, Oracle* oracle,
         std::vector<std::unique_ptr<AgentProcess>>* agents)
      : world_(*world), hub_(*hub), oracle_(*oracle), agents_(*agents) {}

  /// Sets a fleet up.
  void Begin();
  /// Does something now and then, until `until`.
  void Act(absl::Time until);
  /// Mends what was broken and approves what waits, again and again.
  void CalmDown();

 private:
  void ActOnce();
  void Tend();

  // Git.
  void Commit();
  void Change(const ApplicationPlan& plan, const std::string& path);
  void Fill(const ApplicationPlan& plan, const std::string& path);
  void Move(const ApplicationPlan& plan, Folder* from, bool keep);
  void Mend();
  ObjectKey NewKey(const ApplicationPlan& plan);
  std::string NewText() { return absl::StrCat("text-", ++texts_); }
  std::string SomePath(const ApplicationPlan& plan);

  // The hub.
  void Ask(HubProcess::Action action);
  DeclaredResource Declare(const ApplicationPlan& plan);
  void Join(AgentProcess* agent);
  void Suspend();
  void ApproveHeld();
  void Delete();
  void DeleteOrphans();
  void Sync();

  // The targets.
  void Meddle();

  const ApplicationPlan& SomePlan() {
    return world_.applications[world_.rng.Below(world_.applications.size())];
  }
  AgentProcess& SomeAgent() { return *agents_[world_.rng.Below(agents_.size())]; }

  World& world_;
  HubProcess& hub_;
  Oracle& oracle_;
  std::vector<std::unique_ptr<AgentProcess>>& agents_;
  uint64_t texts_ = 0;
  uint64_t keys_ = 0;
  uint64_t tokens_ = 0;
  std::set<std::string> unpruned_;  // Applications.
};

}  // namespace lockstep::sim
