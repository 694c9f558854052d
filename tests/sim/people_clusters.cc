// Clusters that come, leave, come back and are made anew.
#include <algorithm>
#include <utility>

#include "tests/sim/people.h"

namespace lockstep::sim {

// The token is made and redeemed; where the hub dies in between somebody tries again.
void People::Join(AgentProcess* agent) {
  const std::string secret = absl::StrCat("token-", ++tokens_);
  command::CreateJoinToken make;
  make.cluster = agent->cluster();
  make.token = Digest::Of(secret);
  make.labels = {{"env", world_.rng.Below(2) == 0 ? "prod" : "dev"}};
  hub_.Ask(std::move(make), [this, agent, secret](const absl::StatusOr<ReplyBody>& made) {
    if (!made.ok()) return;
    command::RedeemToken redeem;
    redeem.token = Digest::Of(secret);
    redeem.cluster = agent->cluster();
    redeem.fingerprint = Digest::Of(absl::StrCat("key of ", secret));
    redeem.target_uid = agent->target_uid();
    oracle_.TargetAccepted(agent->cluster(), redeem.target_uid);
    hub_.Ask(redeem, [this, agent, redeem](const absl::StatusOr<ReplyBody>& redeemed) {
      if (!redeemed.ok()) return;
      if (agent->life() > 0) oracle_.Revoked(agent->fingerprint());
      agent->Enrol(redeem.fingerprint);
    });
  });
}

void People::Accept(const std::string& cluster) {
  const auto at = hub_.state().clusters.find(cluster);
  if (at == hub_.state().clusters.end()) return;
  oracle_.TargetAccepted(cluster, at->second.pending_uid);
  Ask(command::AcceptCluster{cluster, ""});
}

void People::AcceptSome() { Accept(SomeAgent().cluster()); }

void People::Remove() {
  const AgentProcess& agent = SomeAgent();
  hub_.Ask(command::RemoveCluster{agent.cluster()},
           [this, key = agent.fingerprint()](const absl::StatusOr<ReplyBody>& removed) {
             if (removed.ok()) oracle_.Revoked(key);
           });
}

void People::Rejoin() {
  AgentProcess& agent = SomeAgent();
  if (!agent.lives() || world_.rng.Below(3) == 0) Join(&agent);
}

void People::SwitchOff() { SomeAgent().SwitchOff(world_.Upto(absl::Minutes(2))); }

// What an operator does who sees that this cluster is not in step.
void People::TendTo(const HubState& state, AgentProcess* agent) {
  const auto cluster = state.clusters.find(agent->cluster());
  const bool known = cluster != state.clusters.end() &&
                     cluster->second.fingerprint == agent->fingerprint() &&
                     !state.revoked.contains(agent->fingerprint());
  if (!known || !agent->lives()) return Join(agent);
  const bool stalled = std::any_of(
      cluster->second.instances.begin(), cluster->second.instances.end(), [](const auto& item) {
        return item.second.report.has_value() && !item.second.assignment.accept_foreign &&
               item.second.report->state == ApplicationState::kStalled;
      });
  if (stalled || !cluster->second.pending_uid.empty()) Accept(agent->cluster());
}

}  // namespace lockstep::sim
