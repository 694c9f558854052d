#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/text/count.h"
#include "hub/core/commands.h"
#include "hub/core/instances.h"
#include "hub/core/resources.h"
#include "hub/core/revocations.h"
#include "hub/core/sessions.h"

namespace lockstep {
namespace {

absl::Status NoCluster(absl::string_view doing, absl::string_view name) {
  return absl::NotFoundError(
      absl::StrCat(doing, ": there is no Cluster ", name, "; see `lockstep get clusters`"));
}

absl::Status GitHolds(absl::string_view doing, const ResourceState& cluster) {
  return absl::FailedPreconditionError(absl::StrCat(doing, ": its labels come from Git; change \"",
                                                    cluster.file,
                                                    "\" in the configuration repository instead"));
}

DeclaredResource WithLabels(const std::string& name, const ResourceState* present, Labels labels) {
  DeclaredResource declared;
  Cluster cluster;
  if (present != nullptr) cluster = std::get<Cluster>(*present->resource);
  cluster.meta.name = name;
  cluster.meta.labels = std::move(labels);
  declared.resource = std::move(cluster);
  return declared;
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::LabelCluster& command) {
  const std::string doing = absl::StrCat("labelling cluster ", command.cluster);
  const ResourceState* present = turn.state.FindResource(ClusterKey(command.cluster));
  if (present == nullptr) return NoCluster(doing, command.cluster);
  if (present->from_git) return GitHolds(doing, *present);
  Labels labels = present->meta().labels;
  for (const std::string& key : command.remove) labels.erase(key);
  for (const auto& [key, value] : command.set) labels[key] = value;
  Put(turn, WithLabels(command.cluster, present, labels), turn.by, nullptr);
  return reply::Labelled{std::move(labels)};
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::CreateJoinToken& command) {
  const std::string doing = absl::StrCat("making a join token for cluster ", command.cluster);
  const ResourceState* present = turn.state.FindResource(ClusterKey(command.cluster));
  if (present != nullptr && present->from_git && !command.labels.empty())
    return GitHolds(doing, *present);
  if (turn.state.tokens.size() >= kTokensMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(doing, ": ", kTokensMax, " tokens wait already; they expire by themselves"));
  }
  if (present == nullptr && turn.state.clusters.size() >= kClustersMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(doing, ": a hub holds at most ", kClustersMax, " clusters"));
  }
  const bool is_new = present == nullptr;
  if (is_new) Put(turn, WithLabels(command.cluster, nullptr, command.labels), turn.by, nullptr);
  turn.state.tokens[command.token] =
      IssuedToken{command.cluster, turn.now + command.lifetime, turn.by};
  const absl::Time expires = turn.wall() + command.lifetime;
  turn.TouchToken(command.token);
  turn.Record({.reason = "TokenMade",
               .message = absl::StrCat(
                   "a join token for cluster ", command.cluster, " was made; it works once until ",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", expires, absl::UTCTimeZone())),
               .about = ClusterKey(command.cluster),
               .cluster = command.cluster});
  return reply::TokenMade{is_new, expires};
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::RedeemToken& command) {
  const auto token = turn.state.tokens.find(command.token);
  // One text for every cause, so that nothing is learned by guessing.
  if (token == turn.state.tokens.end() || token->second.expires <= turn.now ||
      token->second.cluster != command.cluster || !turn.state.clusters.contains(command.cluster) ||
      turn.state.revoked.contains(command.fingerprint)) {
    return absl::PermissionDeniedError(
        "enrolling: the token is unknown, used, expired or of another cluster; make a new one with "
        "`lockstep cluster join-token`");
  }
  const std::string by = token->second.by;
  turn.TouchToken(token->first);
  turn.state.tokens.erase(token);
  ClusterState& cluster = turn.state.clusters.at(command.cluster);
  const std::optional<Digest> before = cluster.fingerprint;
  if (before.has_value() && *before != command.fingerprint)
    RevokeKey(turn, command.cluster, *before);
  cluster.fingerprint = command.fingerprint;
  cluster.start_counter = 0;  // It has to say what it holds, once.
  turn.TouchAgent(command.cluster);
  // Whoever holds a token may bring the cluster a new target: that is what it was made for.
  cluster.target_uid = command.target_uid;
  cluster.pending_uid.clear();
  turn.TouchEnrolment(command.cluster);
  turn.Record(
      {.reason = "Enrolled",
       .message = absl::StrCat("an agent was enrolled for cluster ", command.cluster, " with key ",
                               command.fingerprint.Short(), ", by a token that ", by, " made",
                               before.has_value() ? "; the key before it was revoked" : ""),
       .about = ClusterKey(command.cluster),
       .cluster = command.cluster});
  return reply::Redeemed{command.cluster};
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::AcceptCluster& command) {
  const std::string doing = absl::StrCat("accepting cluster ", command.cluster);
  const auto at = turn.state.clusters.find(command.cluster);
  if (at == turn.state.clusters.end()) return NoCluster(doing, command.cluster);
  ClusterState& cluster = at->second;
  if (!command.application.empty() && !cluster.instances.contains(command.application)) {
    return absl::NotFoundError(
        absl::StrCat(doing, ": application ", command.application, " is not placed on it"));
  }
  reply::Accepted accepted;
  const bool new_target = !cluster.pending_uid.empty();
  if (new_target) {
    cluster.target_uid = std::exchange(cluster.pending_uid, "");
    turn.TouchEnrolment(command.cluster);
    Resume(turn, command.cluster);
  }
  for (auto& [name, instance] : cluster.instances) {
    if (!command.application.empty() && name != command.application) continue;
    if (instance.releasing() || instance.assignment.generation == 0) continue;
    // Without a name only what asks for it: everything else would be written a new generation for
    // nothing.
    const bool stalled =
        instance.report.has_value() && instance.report->state == ApplicationState::kStalled;
    if (command.application.empty() && !stalled && !new_target) continue;
    accepted.applications.push_back(name);
    Assignment next = instance.assignment;
    next.accept_foreign = true;
    Assign(turn, command.cluster, name, instance, std::move(next), "accept");
  }
  turn.Record({.reason = "Accepted",
               .message = absl::StrCat("what lies on ", command.cluster, " at the places of ",
                                       Counted(accepted.applications.size(), "application"),
                                       " may be taken over",
                                       new_target ? "; its new target is accepted" : ""),
               .about = ClusterKey(command.cluster),
               .cluster = command.cluster});
  return accepted;
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::RemoveCluster& command) {
  const auto at = turn.state.clusters.find(command.cluster);
  if (at == turn.state.clusters.end()) {
    return NoCluster(absl::StrCat("removing cluster ", command.cluster), command.cluster);
  }
  const bool told = at->second.session.has_value();
  EndSession(turn, command.cluster,
             Goodbye{Goodbye::Reason::kRemoved, absl::ZeroDuration(),
                     "this cluster was removed from the fleet"});
  const std::optional<Digest> fingerprint = at->second.fingerprint;
  for (const auto& [application, instance] :
       std::map<std::string, Instance>(at->second.instances)) {
    DropInstance(turn, command.cluster, application);
  }
  for (const auto& [application, report] : at->second.left)
    turn.TouchStatus(command.cluster, application);
  turn.state.clusters.erase(at);
  turn.TouchAgent(command.cluster);
  turn.TouchEnrolment(command.cluster);
  turn.state.resources.erase(ClusterKey(command.cluster));
  turn.Touch(ClusterKey(command.cluster));
  for (auto token = turn.state.tokens.begin(); token != turn.state.tokens.end();) {
    if (token->second.cluster != command.cluster) {
      ++token;
      continue;
    }
    turn.TouchToken(token->first);
    token = turn.state.tokens.erase(token);
  }
  if (fingerprint.has_value()) RevokeKey(turn, command.cluster, *fingerprint);
  turn.Record(
      {.reason = "Removed",
       .message = absl::StrCat(
           "cluster ", command.cluster, " was removed; its objects stay",
           told ? "" : "; its agent was away and goes on until `lockstep-agent release` there"),
       .about = ClusterKey(command.cluster),
       .cluster = command.cluster});
  return reply::Removed{told};
}

}  // namespace lockstep
