#include "hub/core/plan_cluster.h"

#include <utility>
#include <vector>

#include "hub/core/instances.h"
#include "hub/core/release_planner.h"

namespace lockstep {
namespace {

ReleaseObjects ReleasePolicy(const HubState& state, const ResourceState* application,
                             const std::string& cluster) {
  if (application == nullptr) return ReleaseObjects::kOrphan;
  switch (application->going ? application->going_objects : command::Delete::Objects::kByPolicy) {
    case command::Delete::Objects::kOrphan:
      return ReleaseObjects::kOrphan;
    case command::Delete::Objects::kDelete:
      return ReleaseObjects::kDelete;
    case command::Delete::Objects::kByPolicy:
      break;
  }
  if (IsSuspended(state, *application, cluster)) return ReleaseObjects::kOrphan;
  return std::get<Application>(*application->resource).spec.deletion_policy ==
                 DeletionPolicy::kDelete
             ? ReleaseObjects::kDelete
             : ReleaseObjects::kOrphan;
}

// Whether the agent can know anything of the instance.
bool MayBeKnown(const ClusterState& cluster, const Instance& instance) {
  return instance.assignment.generation > 0 &&
         (cluster.fingerprint.has_value() || instance.received.generation > 0);
}

PlannedApplication ViewOf(const HubState& state, const std::string& cluster,
                          const std::string& name, const Instance& instance) {
  PlannedApplication view;
  view.name = name;
  view.assigned = instance.releasing() ? EmptyManifest() : instance.assignment.manifest;
  view.assigned_origins = instance.assignment.origins;
  if (!instance.placed) {
    if (instance.releasing()) return view;
    view.candidate = EmptyManifest();
    view.orphans =
        ReleasePolicy(state, state.FindApplication(name), cluster) == ReleaseObjects::kOrphan;
  } else if (instance.waiting.has_value() && state.FindApplication(name) != nullptr) {
    view.candidate = instance.waiting->manifest;
    view.candidate_origins = instance.waiting->origins;
  }
  return view;
}

void Release(Turn& turn, const std::string& cluster, const std::string& name, Instance& instance) {
  const ClusterState& on = turn.state.clusters.at(cluster);
  if (!MayBeKnown(on, instance)) {
    DropInstance(turn, cluster, name);
    return;
  }
  Assignment next = instance.assignment;
  next.release = ReleasePolicy(turn.state, turn.state.FindApplication(name), cluster);
  next.approved.reset();
  next.tombstones.clear();
  next.accept_foreign = false;
  next.unconfirmed = false;
  const auto approved = turn.release_approvals.find({cluster, name});
  if (approved != turn.release_approvals.end() && next.release == ReleaseObjects::kDelete) {
    next.approved = approved->second;
  }
  instance.waiting.reset();
  instance.refused.clear();
  instance.error.clear();
  Assign(turn, cluster, name, instance, std::move(next), "release");
}

void Accept(Turn& turn, const std::string& cluster, const std::string& name, Instance& instance) {
  Candidate candidate = *std::move(instance.waiting);
  instance.waiting.reset();
  instance.refused.clear();
  turn.TouchAssignment(cluster, name);
  const ResourceState* application = turn.state.FindApplication(name);
  Assignment next;
  next.manifest = std::move(candidate.manifest);
  next.origins = std::move(candidate.origins);
  next.revision = std::move(candidate.revision);
  next.missing_path = candidate.missing_path;
  next.unconfirmed = candidate.unconfirmed;
  next.options = DesiredOptions(turn.state, *application, cluster);
  Assignment& last = instance.assignment;
  if (last.generation > 0 && !last.release.has_value() &&
      last.manifest->digest() == next.manifest->digest() && last.options == next.options) {
    last.unconfirmed = next.unconfirmed;
    turn.deliver.insert(cluster);
    last.origins = std::move(next.origins);
    last.missing_path = next.missing_path;
    return;
  }
  Assign(turn, cluster, name, instance, std::move(next), "commit");
}

void Refuse(Turn& turn, const std::string& cluster, const std::string& name, Instance& instance,
            const std::string& refusal) {
  if (instance.refused == refusal) return;
  instance.refused = refusal;
  turn.TouchAssignment(cluster, name);
  turn.Record({.warning = true,
               .reason = "ReleaseRefused",
               .message = refusal,
               .about = ApplicationKey(name),
               .cluster = cluster});
}

}  // namespace

void PlanCluster(Turn& turn, const std::string& cluster) {
  const auto on = turn.state.clusters.find(cluster);
  if (on == turn.state.clusters.end()) return;
  ClusterView view;
  bool something = false;
  for (const auto& [name, instance] : on->second.instances) {
    view.applications.push_back(ViewOf(turn.state, cluster, name, instance));
    something |= view.applications.back().candidate != nullptr;
  }
  if (!something) return;
  const std::vector<ReleaseDecision> decisions =
      PlanReleases(view, [&turn](const Manifest& base, const Manifest& target) {
        return turn.state.deltas.Find(base, target);
      });
  for (const ReleaseDecision& decision : decisions) {
    Instance& instance = on->second.instances.at(decision.application);
    if (!decision.accepted) {
      Refuse(turn, cluster, decision.application, instance, decision.refusal);
    } else if (instance.placed) {
      Accept(turn, cluster, decision.application, instance);
    } else {
      Release(turn, cluster, decision.application, instance);
    }
  }
}

}  // namespace lockstep
