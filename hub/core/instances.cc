#include "hub/core/instances.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "hub/core/outgoing.h"
#include "hub/core/sources.h"
#include "hub/fleet/placement.h"

namespace lockstep {
namespace {

const ApplicationSpec& SpecOf(const ResourceState& application) {
  return std::get<Application>(*application.resource).spec;
}

bool SpecSuspends(const Resource& resource) {
  if (const auto* repository = std::get_if<GitRepository>(&resource))
    return repository->spec.suspend;
  if (const auto* application = std::get_if<Application>(&resource))
    return application->spec.suspend;
  if (const auto* cluster = std::get_if<Cluster>(&resource)) return cluster->spec.suspend;
  return false;
}

// Whether an approval given for the assignment before still names the same list after `way`.
bool ApprovalHolds(const Instance& instance, const Manifest& target, const BundleDelta& way) {
  if (!way.removed.empty() || !instance.report.has_value()) return false;
  return std::none_of(instance.report->held.begin(), instance.report->held.end(),
                      [&](const ObjectKey& key) { return target.Find(key) != nullptr; });
}

// What the agent may not have taken of the assignment before.
void CarryOver(const Instance& instance, const BundleDelta& way, Assignment* next) {
  const Assignment& last = instance.assignment;
  if (last.release.has_value() != next->release.has_value()) return;
  next->accept_foreign |= last.accept_foreign;
  for (const ObjectKey& key : last.tombstones) {
    if (next->manifest->Find(key) == nullptr) next->tombstones.push_back(key);
  }
  std::sort(next->tombstones.begin(), next->tombstones.end());
  next->tombstones.erase(std::unique(next->tombstones.begin(), next->tombstones.end()),
                         next->tombstones.end());
  if (!next->approved.has_value() && last.approved.has_value() &&
      ApprovalHolds(instance, *next->manifest, way)) {
    next->approved = last.approved;
  }
}

void SyncOne(Turn& turn, const ResourceState& application, const std::string& name,
             const std::string& cluster, bool placed) {
  ClusterState& state = turn.state.clusters.at(cluster);
  const auto at = state.instances.find(name);
  if (at == state.instances.end()) {
    if (placed) AddInstance(turn, cluster, name);
    return;
  }
  Instance& instance = at->second;
  if (instance.placed != placed) {
    instance.placed = placed;
    turn.TouchAssignment(cluster, name);
    turn.replan.insert(cluster);
    if (placed) {
      instance.input = Digest();
      turn.render.insert(SpecOf(application).source);
    }
  }
  if (!placed || instance.releasing() || instance.assignment.generation == 0) return;
  const ApplicationOptions options = DesiredOptions(turn.state, application, cluster);
  if (options == instance.assignment.options) return;
  Assignment next = instance.assignment;
  next.options = options;
  Assign(turn, cluster, name, instance, std::move(next), "resource");
}

}  // namespace

bool IsSuspended(const ResourceState& resource) {
  return resource.suspension.has_value() || SpecSuspends(*resource.resource);
}

bool IsSuspended(const HubState& state, const ResourceState& application,
                 absl::string_view cluster) {
  if (IsSuspended(application)) return true;
  const ResourceState* on = state.FindResource(ClusterKey(cluster));
  return on != nullptr && IsSuspended(*on);
}

ApplicationOptions DesiredOptions(const HubState& state, const ResourceState& application,
                                  absl::string_view cluster) {
  const ApplicationSpec& spec = SpecOf(application);
  ApplicationOptions options;
  options.interval = spec.interval;
  options.prune = spec.prune;
  options.suspend = IsSuspended(state, application, cluster);
  options.delete_objects_on_release = spec.deletion_policy == DeletionPolicy::kDelete;
  options.default_namespace = spec.default_namespace;
  options.service_account = spec.service_account;
  options.create_namespace = spec.create_namespace;
  return options;
}

void Assign(Turn& turn, const std::string& cluster, const std::string& application,
            Instance& instance, Assignment next, absl::string_view cause) {
  const ClusterState& on = turn.state.clusters.at(cluster);
  Assignment& last = instance.assignment;
  const ManifestPtr held = instance.releasing() ? EmptyManifest() : last.manifest;
  const ManifestPtr wanted = next.release.has_value() ? EmptyManifest() : next.manifest;
  const std::shared_ptr<const BundleDelta> way = turn.state.deltas.Find(*held, *wanted);
  CarryOver(instance, *way, &next);
  next.generation =
      std::max({last.generation, instance.received.generation, on.generation_floor}) + 1;
  next.time = turn.wall();
  next.options_digest = Digest::Of(EncodeOptions(next.options));

  HistoryEntry entry;
  entry.revision = next.revision;
  entry.generation = next.generation;
  entry.manifest = wanted->digest();
  for (const BundleDelta::Change& change : way->changes) {
    ++(change.position.has_value() ? entry.changed : entry.added);
  }
  entry.removed = static_cast<uint32_t>(way->removed.size());
  entry.cause = std::string(cause);

  if (last.manifest->digest() != next.manifest->digest()) {
    instance.before = last.manifest;
    instance.before_revision = last.revision;
  }
  last = std::move(next);
  instance.refusal.reset();
  turn.RecordHistory(cluster, application, &instance, std::move(entry));
  turn.TouchAssignment(cluster, application);
  turn.deliver.insert(cluster);
}

Instance& AddInstance(Turn& turn, const std::string& cluster, const std::string& application) {
  Instance& instance = turn.state.clusters.at(cluster).instances[application];
  turn.state.places[application].insert(cluster);
  turn.TouchAssignment(cluster, application);
  std::map<std::string, ApplicationReport>& left = turn.state.clusters.at(cluster).left;
  if (const auto at = left.find(application); at != left.end()) {
    instance.report = std::move(at->second);
    instance.observed_at = turn.wall();
    left.erase(at);
    turn.TouchStatus(cluster, application);
  }
  const ResourceState* resource = turn.state.FindApplication(application);
  if (resource != nullptr) turn.render.insert(SpecOf(*resource).source);
  turn.Notify();
  return instance;
}

void DropInstance(Turn& turn, const std::string& cluster, const std::string& application) {
  ClusterState& on = turn.state.clusters.at(cluster);
  const auto at = on.instances.find(application);
  if (at == on.instances.end()) return;
  const uint64_t generation =
      std::max(at->second.assignment.generation, at->second.received.generation);
  if (generation > on.generation_floor) {
    on.generation_floor = generation;
    turn.TouchEnrolment(cluster);
  }
  turn.ForgetHistory(cluster, application, at->second);
  const std::optional<ApplicationReport> report = std::move(at->second.report);
  on.instances.erase(at);
  if (report.has_value() && report->state == ApplicationState::kReleased)
    NoteLeft(turn, cluster, *report);
  on.received_root = RootOfTargets(ReceivedTargets(on));
  const auto places = turn.state.places.find(application);
  if (places != turn.state.places.end()) {
    places->second.erase(cluster);
    if (places->second.empty()) turn.state.places.erase(places);
  }
  turn.TouchAssignment(cluster, application);
  turn.TouchStatus(cluster, application);
  turn.finish_going.insert(application);
  turn.replan.insert(cluster);   // What it held is free.
  turn.deliver.insert(cluster);  // What it was to have is nobody's.
  turn.Notify();
}

void NoteLeft(Turn& turn, const std::string& cluster, const ApplicationReport& report) {
  ClusterState& on = turn.state.clusters.at(cluster);
  if (report.generation > on.generation_floor) {
    on.generation_floor = report.generation;
    turn.TouchEnrolment(cluster);
  }
  const bool known = on.left.contains(report.name);
  if (report.orphans.empty()) {
    on.left.erase(report.name);
  } else if (known || on.left.size() < kLeftPerClusterMax) {
    on.left[report.name] = report;
  } else {
    turn.Record({.warning = true,
                 .reason = "TooManyOrphans",
                 .message = absl::StrCat("what ", report.name, " left on ", cluster,
                                         " is not shown: ", kLeftPerClusterMax,
                                         " applications left objects there already; delete some "
                                         "with `lockstep delete orphans`"),
                 .about = ApplicationKey(report.name),
                 .cluster = cluster,
                 .by = cluster});
  }
  turn.TouchStatus(cluster, report.name);
  turn.Notify();
}

std::vector<ObjectKey> OrphansOf(const Instance& instance) {
  if (!instance.report.has_value()) return {};
  std::vector<ObjectKey> keys = instance.report->orphans;
  if (instance.assignment.release != ReleaseObjects::kOrphan) return keys;
  keys.insert(keys.end(), instance.report->held.begin(), instance.report->held.end());
  std::sort(keys.begin(), keys.end());
  return keys;
}

void DropReleased(Turn& turn, const std::string& cluster) {
  std::vector<std::string> released;
  for (const auto& [name, instance] : turn.state.clusters.at(cluster).instances) {
    if (!instance.releasing() || !instance.report.has_value()) continue;
    if (instance.report->state == ApplicationState::kReleased &&
        instance.report->generation >= instance.assignment.generation) {
      released.push_back(name);
    }
  }
  for (const std::string& name : released) {
    turn.Record({.reason = "Released",
                 .message = absl::StrCat(cluster, " let go of ", name),
                 .about = ApplicationKey(name),
                 .cluster = cluster,
                 .by = cluster});
    DropInstance(turn, cluster, name);
    SyncPlace(turn, name, cluster);  // It may have been placed again meanwhile.
  }
}

void SyncPlace(Turn& turn, const std::string& application, const std::string& cluster) {
  const ResourceState* resource = turn.state.FindApplication(application);
  if (resource == nullptr) return;
  const Labels& labels = turn.state.clusters.at(cluster).labels->labels;
  const bool placed = !resource->going && IsPlaced(SpecOf(*resource).placement, cluster, labels);
  SyncOne(turn, *resource, application, cluster, placed);
}

void SyncInstances(Turn& turn, const std::string& application) {
  const ResourceState* resource = turn.state.FindApplication(application);
  if (resource == nullptr) return;
  const Placement& placement = SpecOf(*resource).placement;
  for (const auto& [name, cluster] : turn.state.clusters) {
    const bool placed = !resource->going && IsPlaced(placement, name, cluster.labels->labels);
    SyncOne(turn, *resource, application, name, placed);
  }
}

void SyncCluster(Turn& turn, const std::string& cluster) {
  const Labels& labels = turn.state.clusters.at(cluster).labels->labels;
  const ResourceKey first{ResourceKind::kApplication, "", ""};
  for (auto at = turn.state.resources.lower_bound(first);
       at != turn.state.resources.end() && at->first.kind == ResourceKind::kApplication; ++at) {
    const bool placed =
        !at->second.going && IsPlaced(SpecOf(at->second).placement, cluster, labels);
    SyncOne(turn, at->second, at->first.Name().ToString(), cluster, placed);
  }
}

void ForgetRendering(Turn& turn, const std::string& cluster, const std::string& application,
                     Instance& instance) {
  if (instance.input.IsZero() && !instance.waiting.has_value()) return;
  instance.input = Digest();
  instance.refused.clear();
  if (instance.waiting.has_value()) turn.replan.insert(cluster);  // What it claimed is free.
  instance.waiting.reset();
  turn.TouchAssignment(cluster, application);
}

void RenderAgain(Turn& turn, const std::string& application) {
  const ResourceState* resource = turn.state.FindApplication(application);
  const auto places = turn.state.places.find(application);
  if (resource == nullptr || places == turn.state.places.end()) return;
  for (const std::string& cluster : places->second) {
    ForgetRendering(turn, cluster, application,
                    turn.state.clusters.at(cluster).instances.at(application));
  }
  turn.render.insert(SpecOf(*resource).source);
}

std::vector<ObjectKey> ReleaseList(const Instance& instance) {
  std::vector<ObjectKey> keys;
  for (const ManifestEntry& entry : instance.assignment.manifest->entries())
    keys.push_back(entry.key);
  if (instance.report.has_value()) {
    keys.insert(keys.end(), instance.report->held.begin(), instance.report->held.end());
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void FinishGoing(Turn& turn, const std::string& application) {
  const ResourceKey key = ApplicationKey(application);
  const auto at = turn.state.resources.find(key);
  if (at == turn.state.resources.end() || !at->second.going) return;
  if (turn.state.places.contains(application)) return;
  turn.state.resources.erase(at);
  turn.Touch(key);
  // The configuration repository may declare it anew and was told to wait.
  if (!turn.state.config.errors.empty()) turn.render.insert(ConfigRepositoryName());
  turn.Record({.reason = "Deleted",
               .message = absl::StrCat(key.ToString(), " is gone: every cluster has let go of it"),
               .about = key,
               .by = "hub"});
}

}  // namespace lockstep
