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

/// Everybody who acts from outside: commits, edits of what is declared, suspensions, approvals,
/// deletions, clusters that leave and come back, hands on the targets.
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
  /// Changes things on this agent's target.
  void Meddle(AgentProcess* agent);

 private:
  void ActOnce();
  void Tend();

  // Git.
  void Commit();
  void CommitAll();
  void Rewrite();
  void Change(const ApplicationPlan& plan, const std::string& path);
  void Fill(const ApplicationPlan& plan, const PlanVersion& version, const std::string& path);
  void FillAll(const ApplicationPlan& plan, const PlanVersion& from);
  void Move(const ApplicationPlan& plan, Folder* from, bool keep);
  void Mend();
  ObjectKey NewKey(const ApplicationPlan& plan);
  std::string NewText() { return absl::StrCat("text-", ++texts_); }
  Tree& TreeOf(const ApplicationPlan& plan) { return world_.git[plan.now.repository]->tree; }
  std::string SomePath(const ApplicationPlan& plan);

  // What is declared.
  DeclaredResource Declare(const ApplicationPlan& plan);
  DeclaredResource DeclareRepository(int number);
  void Publish(DeclaredResource declared);
  void Withdraw(const ResourceKey& key);
  void CommitConfig();
  void PublishMissing();
  void EditConfig();
  void ApproveConfig();
  void Edit();
  void LoseRepository();
  void Delete();

  // The hub.
  void Ask(HubProcess::Action action);
  void Label();
  void Suspend();
  void ApproveHeld();
  void ApproveHub();
  void DeleteOrphans();
  /// What was asked for and changed before it came to its agent is asked for again.
  void DeleteHeldOrphans();
  void AskToDelete(const std::vector<command::OrphanList>& lists);
  void Sync();

  // Clusters.
  void Join(AgentProcess* agent);
  void Accept(const std::string& cluster);
  void AcceptSome();
  void Remove();
  void SwitchOff();
  void Rejoin();
  void TendTo(const HubState& state, AgentProcess* agent);

  ApplicationPlan& SomePlan() {
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
  uint64_t paths_ = 0;
  std::set<std::string> stay_gone_;  // Applications that are not declared again in the end.
};

}  // namespace lockstep::sim
