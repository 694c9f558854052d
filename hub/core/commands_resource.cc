#include <algorithm>
#include <set>
#include <utility>

#include <absl/strings/str_cat.h>

#include "hub/core/commands.h"
#include "hub/core/instances.h"
#include "hub/core/queries.h"
#include "hub/core/resources.h"
#include "hub/core/sources.h"

namespace lockstep {
namespace {

bool GitHolds(const HubState& state, const ResourceState* present, const ResourceKey& key) {
  if (!state.settings.has_config_repository || key.kind == ResourceKind::kSecret) return false;
  if (key.kind == ResourceKind::kCluster) return present != nullptr && present->from_git;
  return true;
}

std::string GitPlace(const HubState& state, const ResourceState* present) {
  const std::string& url = state.settings.config_repository.spec.url;
  return present != nullptr && present->from_git ? absl::StrCat("\"", present->file, "\" in ", url)
                                                 : url;
}

absl::Status CheckApply(const HubState& state, const DeclaredResource& declared) {
  const ResourceKey key = KeyOf(declared.resource);
  const ResourceState* present = state.FindResource(key);
  const std::string what = absl::StrCat(declared.place, ": applying ", key.ToString(), ": ");
  if (key.kind == ResourceKind::kGitRepository && key.Name() == ConfigRepositoryName()) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, "this name belongs to the hub's own configuration; choose another"));
  }
  if (GitHolds(state, present, key)) {
    return absl::FailedPreconditionError(absl::StrCat(what, "this hub takes it from Git; change ",
                                                      GitPlace(state, present), " instead"));
  }
  if (present != nullptr && present->going) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, "it is still going; wait, or `lockstep delete application ",
                     key.Name().ToString(), " --orphan` first"));
  }
  return absl::OkStatus();
}

absl::Status CheckRoom(const HubState& state, const command::Apply& command) {
  size_t resources = state.resources.size();
  size_t clusters = state.clusters.size();
  for (const DeclaredResource& declared : command.resources) {
    const ResourceKey key = KeyOf(declared.resource);
    if (state.FindResource(key) != nullptr) continue;
    ++resources;
    if (key.kind == ResourceKind::kCluster) ++clusters;
  }
  if (resources > kResourcesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("applying: a hub holds at most ", kResourcesMax, " resources"));
  }
  if (clusters > kClustersMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("applying: a hub holds at most ", kClustersMax, " clusters"));
  }
  return absl::OkStatus();
}

// What holds by itself and may still surprise.
std::vector<std::string> Warnings(const HubState& state, const DeclaredResource& declared,
                                  const std::set<ResourceKey>& beside) {
  std::vector<std::string> warnings = declared.warnings;
  const auto missing = [&](const ResourceKey& key) {
    return state.FindResource(key) == nullptr && !beside.contains(key);
  };
  if (const auto* application = std::get_if<Application>(&declared.resource)) {
    const ResourceKey source{ResourceKind::kGitRepository, application->spec.source.namespace_,
                             application->spec.source.name};
    if (missing(source))
      warnings.push_back(absl::StrCat("there is no ", source.ToString(), " yet"));
    for (const std::string& cluster : application->spec.placement.clusters) {
      if (missing(ClusterKey(cluster)))
        warnings.push_back(absl::StrCat("there is no Cluster ", cluster, " yet"));
    }
  } else if (const auto* repository = std::get_if<GitRepository>(&declared.resource)) {
    const ResourceKey secret{ResourceKind::kSecret, repository->meta.namespace_,
                             repository->spec.secret};
    if (!repository->spec.secret.empty() && missing(secret)) {
      warnings.push_back(absl::StrCat("there is no ", secret.ToString(), " yet"));
    }
  }
  return warnings;
}

reply::Applied::Outcome ToOutcome(Change change) {
  switch (change) {
    case Change::kCreated:
      return reply::Applied::Outcome::kCreated;
    case Change::kConfigured:
      return reply::Applied::Outcome::kConfigured;
    case Change::kUnchanged:
      break;
  }
  return reply::Applied::Outcome::kUnchanged;
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Apply& command) {
  std::vector<std::string> errors;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::set<ResourceKey> keys;
  for (const DeclaredResource& declared : command.resources) {
    absl::Status status = CheckApply(turn.state, declared);
    if (status.ok() && !keys.insert(KeyOf(declared.resource)).second) {
      status = absl::InvalidArgumentError(
          absl::StrCat(declared.place, ": ", KeyOf(declared.resource).ToString(), " stands twice"));
    }
    if (status.ok()) continue;
    code = status.code();
    errors.emplace_back(status.message());
  }
  if (!errors.empty()) {
    std::string all;
    for (const std::string& error : errors) absl::StrAppend(&all, all.empty() ? "" : "\n", error);
    return absl::Status(code, all);
  }
  if (absl::Status room = CheckRoom(turn.state, command); !room.ok()) return room;

  reply::Applied applied;
  for (const DeclaredResource& declared : command.resources) {
    const ResourceKey key = KeyOf(declared.resource);
    applied.results.push_back({key, ToOutcome(Compare(turn.state.FindResource(key), declared)),
                               Warnings(turn.state, declared, keys), 0});
  }
  // Clusters first, so that applications find them.
  for (const bool clusters : {true, false}) {
    for (const DeclaredResource& declared : command.resources) {
      const bool is_cluster = KeyOf(declared.resource).kind == ResourceKind::kCluster;
      if (is_cluster == clusters && !command.dry_run) Put(turn, declared, turn.by, nullptr);
    }
  }
  for (reply::Applied::Result& result : applied.results) {
    const ResourceState* present = turn.state.FindResource(result.key);
    if (present != nullptr) result.generation = present->meta().generation;
  }
  return applied;
}

namespace {

// The lists that `delete --objects` shows, by cluster.
std::vector<reply::HeldList> ReleaseLists(const HubState& state, const std::string& application) {
  std::vector<reply::HeldList> lists;
  const auto places = state.places.find(application);
  if (places == state.places.end()) return lists;
  for (const std::string& cluster : places->second) {
    std::vector<ObjectKey> keys = ReleaseList(state.clusters.at(cluster).instances.at(application));
    const Digest digest = KeyListDigest(keys);
    if (!keys.empty()) lists.push_back({cluster, std::move(keys), digest});
  }
  return lists;
}

absl::Status CheckApproved(const std::vector<reply::HeldList>& lists,
                           const command::Delete& command) {
  for (const reply::HeldList& list : lists) {
    const bool approved =
        std::any_of(command.approved.begin(), command.approved.end(),
                    [&](const command::ApprovedList& approval) {
                      return approval.cluster == list.cluster && approval.digest == list.digest;
                    });
    if (approved) continue;
    return absl::AbortedError(absl::StrCat("deleting ", command.key.ToString(),
                                           " with its objects: what lies on ", list.cluster,
                                           " is not what was shown; look again"));
  }
  return absl::OkStatus();
}

// `--orphan` on something that goes: who is away is not waited for.
void StopWaiting(Turn& turn, const std::string& application) {
  const auto places = turn.state.places.find(application);
  if (places == turn.state.places.end()) return;
  for (const std::string& name : std::set<std::string>(places->second)) {
    ClusterState& cluster = turn.state.clusters.at(name);
    if (!cluster.session.has_value()) {
      DropInstance(turn, name, application);
      // The agent may still hold it: it is asked for all when it returns, and told to let go.
      cluster.status_seq = 0;
      turn.TouchAgent(name);
      continue;
    }
    Instance& instance = cluster.instances.at(application);
    if (instance.assignment.release != ReleaseObjects::kDelete) continue;
    Assignment next = instance.assignment;
    next.release = ReleaseObjects::kOrphan;
    next.approved.reset();
    Assign(turn, name, application, instance, std::move(next), "release");
  }
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Delete& command) {
  const ResourceKey& key = command.key;
  const ResourceState* present = turn.state.FindResource(key);
  if (present == nullptr)
    return absl::NotFoundError(absl::StrCat("deleting ", key.ToString(), ": there is none"));
  if (key.kind == ResourceKind::kCluster) {
    return absl::InvalidArgumentError(absl::StrCat("deleting ", key.ToString(),
                                                   ": a cluster goes by `lockstep cluster remove ",
                                                   key.name, "`"));
  }
  if (present->from_git && turn.state.settings.has_config_repository) {
    return absl::FailedPreconditionError(
        absl::StrCat("deleting ", key.ToString(), ": this hub takes it from Git; remove it from ",
                     GitPlace(turn.state, present), " instead"));
  }
  const bool is_application = key.kind == ResourceKind::kApplication;
  if (!is_application && command.objects != command::Delete::Objects::kByPolicy) {
    return absl::InvalidArgumentError(
        absl::StrCat("deleting ", key.ToString(), ": only an Application has objects"));
  }
  reply::Deleted deleted;
  const std::string name = key.Name().ToString();
  if (command.objects == command::Delete::Objects::kDelete) {
    std::vector<reply::HeldList> lists = ReleaseLists(turn.state, name);
    if (command.dry_run) {
      deleted.lists = std::move(lists);
      return deleted;
    }
    if (absl::Status status = CheckApproved(lists, command); !status.ok()) return status;
    for (const reply::HeldList& list : lists)
      turn.release_approvals[{list.cluster, name}] = list.digest;
  }
  if (command.dry_run) {
    if (is_application) deleted.waiting_for = WaitingFor(turn.state, name);
    return deleted;
  }
  const bool was_going = present->going;
  BeginGoing(turn, key, command.objects);
  if (was_going && command.objects == command::Delete::Objects::kOrphan) StopWaiting(turn, name);
  if (is_application) deleted.waiting_for = WaitingFor(turn.state, name);
  return deleted;
}

}  // namespace lockstep
