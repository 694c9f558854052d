#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/bundle/key_list.h"
#include "common/text/count.h"
#include "hub/core/commands.h"
#include "hub/core/instances.h"
#include "hub/core/queries.h"
#include "hub/core/resources.h"
#include "hub/core/revocations.h"
#include "hub/core/sessions.h"
#include "hub/core/sources.h"

namespace lockstep {
namespace {

absl::Status NotThere(absl::string_view doing, const ResourceKey& key) {
  return absl::NotFoundError(absl::StrCat(doing, " ", key.ToString(), ": there is none"));
}

// What depends on suspensions of the resource is brought in line.
void FollowSuspension(Turn& turn, const ResourceKey& key) {
  switch (key.kind) {
    case ResourceKind::kGitRepository: {
      SourceState& source = turn.state.sources.at(key.Name());
      source.next_due = turn.now;
      turn.fetch.insert(key.Name());
      break;
    }
    case ResourceKind::kApplication:
      SyncInstances(turn, key.Name().ToString());
      break;
    case ResourceKind::kCluster:
      SyncCluster(turn, key.name);
      break;
    case ResourceKind::kSecret:
      break;
  }
}

void TellAgentsToCompare(Turn& turn, const std::string& application) {
  const auto places = turn.state.places.find(application);
  if (places == turn.state.places.end()) return;
  for (const std::string& name : places->second) {
    ClusterState& cluster = turn.state.clusters.at(name);
    if (!cluster.session.has_value() || !cluster.session->accepted) continue;
    std::optional<Refusal>& refusal = cluster.instances.at(application).refusal;
    if (refusal.has_value() && refusal->retry_at != absl::InfiniteFuture())
      refusal->retry_at = turn.now;
    turn.deliver.insert(name);
    turn.Send(cluster.session->id, Command{++turn.state.command_id, Command::Sync{{application}}});
  }
}

}  // namespace

absl::Status BeginSync(Turn& turn, const command::Sync& command, uint64_t request) {
  const ResourceKey& key = command.key;
  NamespacedName repository = key.Name();
  if (key.kind == ResourceKind::kApplication) {
    const ResourceState* application = turn.state.FindResource(key);
    if (application == nullptr) return NotThere("syncing", key);
    repository = std::get<Application>(*application->resource).spec.source;
    TellAgentsToCompare(turn, key.Name().ToString());
  } else if (key.kind != ResourceKind::kGitRepository) {
    return absl::InvalidArgumentError(absl::StrCat(
        "syncing ", key.ToString(), ": only a GitRepository or an Application can be synced"));
  }
  const ResourceKey source_key{ResourceKind::kGitRepository, repository.namespace_,
                               repository.name};
  const auto at = turn.state.sources.find(repository);
  if (at == turn.state.sources.end()) return NotThere("syncing", source_key);
  const ResourceState* resource = turn.state.FindResource(source_key);
  if (resource != nullptr && IsSuspended(*resource)) {
    return absl::FailedPreconditionError(absl::StrCat("syncing ", key.ToString(), ": ",
                                                      source_key.ToString(),
                                                      " is suspended; `lockstep resume` it first"));
  }
  SourceState& source = at->second;
  std::vector<uint64_t>& waiting = source.fetching ? source.waiting_next : source.waiting;
  if (waiting.size() >= kSyncWaitersMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "syncing ", key.ToString(), ": ", kSyncWaitersMax, " requests wait for its fetch already"));
  }
  waiting.push_back(request);
  turn.fetch.insert(repository);
  return absl::OkStatus();
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Suspend& command) {
  const auto at = turn.state.resources.find(command.key);
  if (at == turn.state.resources.end()) return NotThere("suspending", command.key);
  if (command.key.kind == ResourceKind::kSecret) {
    return absl::InvalidArgumentError("suspending: a Secret does nothing that could be suspended");
  }
  at->second.suspension = SuspensionRecord{turn.by, turn.wall(), command.reason};
  turn.Touch(command.key);
  turn.Record({.reason = "Suspended",
               .message = absl::StrCat(command.key.ToString(), " was suspended",
                                       command.reason.empty() ? "" : ": ", command.reason),
               .about = command.key});
  FollowSuspension(turn, command.key);
  return reply::Done{};
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Resume& command) {
  const auto at = turn.state.resources.find(command.key);
  if (at == turn.state.resources.end()) return NotThere("resuming", command.key);
  ResourceState& state = at->second;
  const bool was = state.suspension.has_value();
  state.suspension.reset();
  reply::Resumed resumed;
  if (IsSuspended(state)) {
    resumed.still_suspended_by =
        state.from_git
            ? absl::StrCat("spec.suspend in \"", state.file, "\" of the configuration repository")
            : absl::StrCat("spec.suspend, applied by ", state.author);
  }
  if (!was) return resumed;
  turn.Touch(command.key);
  turn.Record({.reason = "Resumed",
               .message = absl::StrCat(command.key.ToString(), " was resumed"),
               .about = command.key});
  FollowSuspension(turn, command.key);
  return resumed;
}

namespace {

struct Selection {
  std::vector<reply::HeldList> approved;
  std::vector<reply::HeldList> left;
};

absl::StatusOr<Selection> Select(std::vector<reply::HeldList> lists,
                                 const command::ApproveDeletes& command) {
  Selection selection;
  std::map<absl::string_view, Digest> present;
  for (const reply::HeldList& list : lists) present.emplace(list.cluster, list.digest);
  std::set<absl::string_view> named;
  for (const command::ApprovedList& expected : command.expected) {
    named.insert(expected.cluster);
    const auto found = present.find(expected.cluster);
    if (found == present.end() || found->second != expected.digest) {
      return absl::AbortedError(
          absl::StrCat("approving deletes of ", command.application.ToString(), ": the list of ",
                       expected.cluster, " is not what was shown any more; look again"));
    }
  }
  const Digest first = lists.empty() ? Digest() : lists.front().digest;
  for (reply::HeldList& list : lists) {
    bool taken = command.all || list.digest == first;
    if (!command.cluster.empty()) taken = list.cluster == command.cluster;
    if (!command.expected.empty()) taken = named.contains(list.cluster);
    (taken ? selection.approved : selection.left).push_back(std::move(list));
  }
  return selection;
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveDeletes& command) {
  const std::string name = command.application.ToString();
  if (turn.state.FindApplication(name) == nullptr)
    return NotThere("approving deletes of", ApplicationKey(name));
  absl::StatusOr<Selection> selection = Select(HeldLists(turn.state, name), command);
  if (!selection.ok()) return selection.status();
  if (selection->approved.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("approving deletes of ", name,
                                                      command.cluster.empty() ? "" : " on cluster ",
                                                      command.cluster, ": no deletes wait there"));
  }
  if (!command.dry_run) {
    for (const reply::HeldList& list : selection->approved) {
      Instance& instance = turn.state.clusters.at(list.cluster).instances.at(name);
      Assignment next = instance.assignment;
      next.approved = list.digest;
      Assign(turn, list.cluster, name, instance, std::move(next), "approve");
      turn.Record({.reason = "Approved",
                   .message = absl::StrCat("the delete of ", Counted(list.objects.size(), "object"),
                                           " of ", name, " on ", list.cluster,
                                           " was approved (list ", list.digest.Short(), ")"),
                   .about = ApplicationKey(name),
                   .cluster = list.cluster});
    }
  }
  return reply::Approved{std::move(selection->approved), std::move(selection->left)};
}

namespace {

// What the hub would give agents may be older than what they have, which only Git can tell: until
// it was asked, and its answer rendered, they keep what they have.
void AskGitFirst(Turn& turn) {
  for (auto& [name, source] : turn.state.sources) {
    source.unconfirmed = true;
    source.rendered.clear();
    if (source.fetching) source.discard = true;
    source.rendering = source.render_again = false;  // What is under way brings what was known.
    turn.TouchSource(name);
    turn.fetch.insert(name);
  }
  for (auto& [cluster, on] : turn.state.clusters) {
    for (auto& [application, instance] : on.instances) {
      instance.input = Digest();
      if (instance.waiting.has_value()) instance.waiting->unconfirmed = true;
      const bool assigned = instance.assignment.generation > 0 && instance.placed;
      instance.assignment.unconfirmed = assigned && !instance.releasing();
      turn.TouchAssignment(cluster, application);
    }
  }
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveHub&) {
  BehindState& behind = turn.state.behind;
  if (behind.agents.empty()) {
    return absl::FailedPreconditionError(
        "approving the hub: no agent knows more than it; nothing waits");
  }
  const size_t keys = KeepHeardRevocations(turn);
  uint64_t highest = 0;
  for (const auto& [name, point] : behind.agents) highest = std::max(highest, point.counter);
  // Agents take the new history for what it is: later than anything they heard.
  turn.RaiseCounterTo(highest + 1);
  turn.Record(
      {.warning = true,
       .reason = "HubApproved",
       .message = absl::StrCat("the hub goes on with its state although ", behind.agents.size(),
                               " agents knew another (up to commit ", highest, "); ", keys,
                               " keys that they know as revoked stay revoked")});
  for (const auto& [name, point] : behind.agents) {
    behind.forgiven[name] = point;
    turn.TouchPoint(name);
  }
  behind.agents.clear();
  AskGitFirst(turn);
  for (const auto& [name, cluster] : turn.state.clusters) {
    if (cluster.session.has_value() && !cluster.session->accepted) Resume(turn, name);
    turn.deliver.insert(name);
  }
  return reply::Approved{};
}

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveConfig&) {
  std::vector<ResourceKey> vanished = std::exchange(turn.state.config.vanished, {});
  if (vanished.empty()) {
    return absl::FailedPreconditionError("approving the configuration: no deletes wait");
  }
  turn.TouchConfig();
  turn.Record({.reason = "ConfigApproved",
               .message = absl::StrCat(
                   "the delete of ", vanished.size(),
                   " resources that vanished from the configuration repository was approved")});
  for (const ResourceKey& key : vanished) LeaveGit(turn, key);
  return reply::Approved{};
}

namespace {

constexpr size_t kReleaseNamesBytesMax = 2 << 20;

// What may be deleted by name of an application on a cluster; sorted.
std::vector<ObjectKey> OrphansAt(const HubState& state, const command::ShownOrphans& list) {
  const auto cluster = state.clusters.find(list.cluster);
  if (cluster == state.clusters.end()) return {};
  const auto instance = cluster->second.instances.find(list.application);
  if (instance != cluster->second.instances.end()) return OrphansOf(instance->second);
  const auto left = cluster->second.left.find(list.application);
  return left == cluster->second.left.end() ? std::vector<ObjectKey>() : left->second.orphans;
}

// The objects of the list, if it still is what was shown.
absl::StatusOr<std::vector<ObjectKey>> ReadOrphans(const HubState& state,
                                                   const command::ShownOrphans& list) {
  std::vector<ObjectKey> orphans = OrphansAt(state, list);
  if (orphans.empty() || KeyListDigest(orphans) != list.digest) {
    return absl::AbortedError(
        absl::StrCat("deleting orphans: those of ", list.application, " on ", list.cluster,
                     " are not what was shown any more; look again with `lockstep get orphans`"));
  }
  const std::map<std::string, Instance>& instances = state.clusters.at(list.cluster).instances;
  const auto at = instances.find(list.application);
  if (at == instances.end() || at->second.assignment.generation > 0) return orphans;
  return absl::FailedPreconditionError(
      absl::StrCat("deleting orphans: ", list.application, " has no release on ", list.cluster,
                   " yet; see `lockstep describe application ", list.application, "`"));
}

// An application that went is let go of once more, with the objects to delete.
Instance& ReleaseAgain(Turn& turn, const std::string& cluster, const std::string& application) {
  const uint64_t generation = turn.state.clusters.at(cluster).left.at(application).generation;
  Instance& instance = AddInstance(turn, cluster, application);
  instance.placed = false;
  instance.received = {generation, EmptyManifest(), Digest(), true};
  instance.assignment.release = ReleaseObjects::kOrphan;
  turn.TouchStatus(cluster, application);
  return instance;
}

}  // namespace

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::DeleteOrphans& command) {
  std::map<std::pair<std::string, std::string>, std::vector<ObjectKey>> wanted;
  for (const command::ShownOrphans& list : command.lists) {
    absl::StatusOr<std::vector<ObjectKey>> orphans = ReadOrphans(turn.state, list);
    if (!orphans.ok()) return orphans.status();
    wanted[{list.cluster, list.application}] = *std::move(orphans);
  }
  reply::OrphansRequested requested;
  for (auto& [place, keys] : wanted) {
    const auto& [cluster, application] = place;
    std::map<std::string, Instance>& instances = turn.state.clusters.at(cluster).instances;
    const auto at = instances.find(application);
    Instance& instance =
        at == instances.end() ? ReleaseAgain(turn, cluster, application) : at->second;
    // What a release names travels in its message, which takes so much; the rest stays an orphan.
    if (instance.releasing()) CutKeyList(kReleaseNamesBytesMax, &keys);
    requested.requested += static_cast<int>(keys.size());
    turn.Record({.reason = "OrphansDeleted",
                 .message = absl::StrCat("the delete of ", Counted(keys.size(), "orphan"),
                                         " was asked for"),
                 .about = ApplicationKey(application),
                 .cluster = cluster});
    Assignment next = instance.assignment;
    std::vector<ObjectKey> all;  // With those that were asked for and not sent yet.
    std::set_union(keys.begin(), keys.end(), next.tombstones.begin(), next.tombstones.end(),
                   std::back_inserter(all));
    next.tombstones = std::move(all);
    // The person saw them all.
    next.approved = KeyListDigest(next.tombstones);
    Assign(turn, cluster, application, instance, std::move(next), "orphans");
  }
  return requested;
}

}  // namespace lockstep
