#include "hub/core/resources.h"

#include <algorithm>
#include <set>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/text/utf8.h"
#include "hub/core/instances.h"
#include "hub/core/sources.h"

namespace lockstep {
namespace {

// Equal specifications, whatever the hub set.
bool SameSpecification(const Resource& a, const Resource& b) {
  if (a.index() != b.index()) return false;
  if (const auto* repository = std::get_if<GitRepository>(&a)) {
    return repository->spec == std::get<GitRepository>(b).spec;
  }
  if (const auto* application = std::get_if<Application>(&a)) {
    return application->spec == std::get<Application>(b).spec;
  }
  if (const auto* cluster = std::get_if<Cluster>(&a))
    return cluster->spec == std::get<Cluster>(b).spec;
  return true;
}

bool SameSecret(const std::optional<SealedSecret>& a, const std::optional<SealedSecret>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || (!a->content.IsZero() && a->content == b->content && a->keys == b->keys);
}

// Unique over time: made of the hub and of a number that is never used again.
std::string MakeUid(const HubState& state, const ResourceKey& key) {
  Hasher hasher;
  hasher.AddSized(state.incarnation);
  hasher.AddInteger(state.event_sequence);
  hasher.AddSized(key.ToString());
  std::string hex = hasher.Finish().ToHex().substr(0, 32);
  hex[12] = '8';  // A UUID of our own making, RFC 9562 version 8.
  hex[16] = "89ab"[static_cast<size_t>(hex[16]) % 4];
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

void RepositoryChanged(Turn& turn, const NamespacedName& name, const GitRepository* before,
                       const GitRepository& after) {
  SourceState& source = turn.state.sources[name];
  turn.TouchSource(name);
  source.failures = 0;
  source.next_due = turn.now;
  if (source.fetching) source.discard = true;
  turn.fetch.insert(name);
  if (before != nullptr &&
      !(before->spec.url == after.spec.url && before->spec.ref == after.spec.ref)) {
    // What is known is of another place: nothing is shown or rendered from it any more. What runs
    // stays.
    source.revision.clear();
    source.commit.clear();
    source.rendered.clear();
    source.error = absl::OkStatus();
    source.last_fetch = absl::InfinitePast();
  }
  if (before != nullptr && before->spec.ignore == after.spec.ignore) return;
  for (const auto& [key, resource] : turn.state.resources) {
    const auto* application = std::get_if<Application>(resource.resource.get());
    if (application != nullptr && application->spec.source == name)
      RenderAgain(turn, key.Name().ToString());
  }
}

void ApplicationChanged(Turn& turn, const std::string& name, const Application* before,
                        const Application& after) {
  SyncInstances(turn, name);
  if (before != nullptr && !RendersAlike(before->spec, after.spec)) RenderAgain(turn, name);
}

void SecretChanged(Turn& turn, const ResourceKey& secret) {
  for (auto& [name, source] : turn.state.sources) {
    const GitRepository* repository = FindRepository(turn.state, name);
    if (repository == nullptr || name.namespace_ != secret.namespace_ ||
        repository->spec.secret != secret.name) {
      continue;
    }
    if (source.fetching) source.discard = true;
    source.failures = 0;
    turn.fetch.insert(name);
  }
}

void Follow(Turn& turn, const ResourceKey& key, const Resource* before, const Resource& after) {
  switch (key.kind) {
    case ResourceKind::kGitRepository:
      RepositoryChanged(turn, key.Name(), std::get_if<GitRepository>(before),
                        std::get<GitRepository>(after));
      break;
    case ResourceKind::kApplication:
      ApplicationChanged(turn, key.Name().ToString(), std::get_if<Application>(before),
                         std::get<Application>(after));
      break;
    case ResourceKind::kCluster:
      SetClusterLabels(turn, key.name);
      break;
    case ResourceKind::kSecret:
      SecretChanged(turn, key);
      break;
  }
}

}  // namespace

Change Compare(const ResourceState* present, const DeclaredResource& declared) {
  if (present == nullptr) return Change::kCreated;
  const Meta& have = present->meta();
  const Meta& want = MetaOf(declared.resource);
  const bool same = have.labels == want.labels && have.annotations == want.annotations &&
                    SameSpecification(*present->resource, declared.resource) &&
                    SameSecret(present->secret, declared.secret);
  return same ? Change::kUnchanged : Change::kConfigured;
}

Change Put(Turn& turn, const DeclaredResource& declared, const std::string& author,
           const std::string* file) {
  const ResourceKey key = KeyOf(declared.resource);
  const auto present = turn.state.resources.find(key);
  const bool is_new = present == turn.state.resources.end();
  const Change change = Compare(is_new ? nullptr : &present->second, declared);
  ResourceState& state = turn.state.resources[key];
  const bool from_git = file != nullptr;
  if (change == Change::kUnchanged && state.from_git == from_git &&
      (!from_git || state.file == *file)) {
    return change;
  }
  turn.Touch(key);
  state.from_git = from_git;
  state.file = from_git ? *file : "";
  if (change == Change::kUnchanged) return change;

  const std::shared_ptr<const Resource> before = state.resource;
  Resource resource = declared.resource;
  Meta& meta = MetaOf(resource);
  turn.Record({.reason = is_new ? "Created" : "Configured",
               .message = absl::StrCat(key.ToString(), is_new ? " was created" : " was changed"),
               .about = key,
               .cluster = key.kind == ResourceKind::kCluster ? key.name : "",
               .by = author});
  meta.uid = is_new ? MakeUid(turn.state, key) : MetaOf(*before).uid;
  meta.creation_time = is_new ? turn.wall() : MetaOf(*before).creation_time;
  const bool same_specification =
      !is_new && SameSpecification(*before, resource) && SameSecret(state.secret, declared.secret);
  meta.generation = is_new ? 1 : MetaOf(*before).generation + (same_specification ? 0 : 1);
  state.secret = declared.secret;
  state.author = author;
  state.changed = turn.wall();
  state.resource = std::make_shared<const Resource>(std::move(resource));
  Follow(turn, key, before.get(), *state.resource);
  return change;
}

void SetClusterLabels(Turn& turn, const std::string& name) {
  const ResourceState* resource = turn.state.FindResource(ClusterKey(name));
  const bool is_new = !turn.state.clusters.contains(name);
  ClusterState& cluster = turn.state.clusters[name];
  if (is_new) turn.TouchEnrolment(name);
  const bool relabelled = is_new || cluster.labels->labels != resource->meta().labels;
  if (relabelled) {
    cluster.labels =
        std::make_shared<const ClusterFacts>(ClusterFacts{name, resource->meta().labels});
    for (auto& [application, instance] : cluster.instances) {
      const ResourceState* of = turn.state.FindApplication(application);
      if (of == nullptr) continue;
      const ApplicationSpec& spec = std::get<Application>(*of->resource).spec;
      if (!spec.path.HasPlaceholders()) continue;
      ForgetRendering(turn, name, application, instance);
      turn.render.insert(spec.source);
    }
  }
  SyncCluster(turn, name);
}

void BeginGoing(Turn& turn, const ResourceKey& key, command::Delete::Objects objects) {
  const auto at = turn.state.resources.find(key);
  if (at == turn.state.resources.end() || key.kind == ResourceKind::kCluster) return;
  if (key.kind != ResourceKind::kApplication) {
    turn.state.resources.erase(at);
    turn.Touch(key);
    if (key.kind == ResourceKind::kGitRepository) {
      const auto source = turn.state.sources.find(key.Name());
      for (const auto* requests : {&source->second.waiting, &source->second.waiting_next}) {
        for (const uint64_t request : *requests) {
          turn.Reply(request,
                     absl::NotFoundError(absl::StrCat(key.ToString(), " was deleted meanwhile")));
        }
      }
      turn.state.sources.erase(source);
      turn.TouchSource(key.Name());
    }
    turn.Record({.reason = "Deleted",
                 .message = absl::StrCat(key.ToString(), " was deleted"),
                 .about = key});
    return;
  }
  ResourceState& state = at->second;
  state.going_objects = objects;
  turn.Touch(key);
  const std::string name = key.Name().ToString();
  if (!state.going) {
    state.going = true;
    Resource resource = *state.resource;
    MetaOf(resource).deletion_time = turn.wall();
    state.resource = std::make_shared<const Resource>(std::move(resource));
    turn.Record(
        {.reason = "Deleting", .message = absl::StrCat(key.ToString(), " goes"), .about = key});
  }
  SyncInstances(turn, name);
  turn.finish_going.insert(name);
}

void LeaveGit(Turn& turn, const ResourceKey& key) {
  if (key.kind != ResourceKind::kCluster) {
    BeginGoing(turn, key, command::Delete::Objects::kByPolicy);
    return;
  }
  const auto at = turn.state.resources.find(key);
  if (at == turn.state.resources.end()) return;
  at->second.from_git = false;
  turn.Touch(key);
  turn.Record(
      {.warning = true,
       .reason = "NotInGit",
       .message = absl::StrCat(key.ToString(),
                               " is not in Git any more; it stays until `lockstep cluster remove ",
                               key.name, "`"),
       .about = key,
       .cluster = key.name});
}

bool PassesGuard(size_t vanished, size_t count) {
  return vanished <= std::max<size_t>(5, count / 10);
}

namespace {

std::vector<ResourceKey> Vanished(const HubState& state, const std::set<ResourceKey>& declared) {
  std::vector<ResourceKey> vanished;
  for (const auto& [key, resource] : state.resources) {
    if (resource.from_git && !resource.going && !declared.contains(key)) vanished.push_back(key);
  }
  return vanished;
}

void DropVanished(Turn& turn, const std::set<ResourceKey>& declared) {
  std::vector<ResourceKey> vanished = Vanished(turn.state, declared);
  const size_t count = static_cast<size_t>(std::count_if(
      turn.state.resources.begin(), turn.state.resources.end(),
      [](const auto& entry) { return entry.second.from_git && !entry.second.going; }));
  turn.state.config.vanished.clear();
  if (vanished.empty()) return;
  const auto is_cluster = [](const ResourceKey& key) { return key.kind == ResourceKind::kCluster; };
  const auto deletes = static_cast<size_t>(std::count_if(
      vanished.begin(), vanished.end(), [&](const ResourceKey& key) { return !is_cluster(key); }));
  if (!PassesGuard(deletes, count)) {
    turn.state.config.vanished = std::move(vanished);
    turn.Record(
        {.warning = true,
         .reason = "ConfigHeld",
         .message = absl::StrCat(
             deletes, " of ", count, " resources vanished from the configuration repository at ",
             turn.state.config.revision, "; they stay until `lockstep approve --config`")});
    return;
  }
  for (const ResourceKey& key : vanished) LeaveGit(turn, key);
}

// What one file declares is refused as a whole where the core has something against a part of it.
absl::Status CheckDeclared(const HubState& state, const DeclaredResource& declared) {
  const ResourceKey key = KeyOf(declared.resource);
  if (key.kind == ResourceKind::kSecret) {
    return absl::InvalidArgumentError(
        absl::StrCat(key.ToString(), ": a Secret does not belong in Git; use `lockstep apply`"));
  }
  if (key.kind == ResourceKind::kGitRepository && key.Name() == ConfigRepositoryName()) {
    return absl::InvalidArgumentError(absl::StrCat(
        key.ToString(), ": this name belongs to the hub's own configuration; choose another"));
  }
  const ResourceState* present = state.FindResource(key);
  if (present != nullptr && present->going) {
    return absl::FailedPreconditionError(
        absl::StrCat(key.ToString(), " is still going; it is made once it is gone"));
  }
  return absl::OkStatus();
}

}  // namespace

void OnConfigRead(Turn& turn, const event::ConfigRead& read) {
  const auto at = turn.state.sources.find(ConfigRepositoryName());
  if (at == turn.state.sources.end()) return;
  SourceState& source = at->second;
  if (!source.rendering || source.render_job != read.job) return;
  source.rendering = false;
  if (source.rendered.empty()) {
    // Others may have waited for what it says.
    for (const auto& [name, other] : turn.state.sources) {
      if (name != ConfigRepositoryName()) turn.render.insert(name);
    }
  }
  // What no fetch mends is read once; else the next fetch has it read again.
  if (read.whole.ok() || absl::IsInvalidArgument(read.whole))
    source.rendered = source.rendering_commit;
  turn.TouchSource(ConfigRepositoryName());
  turn.by = ToUtf8(read.revision);

  ConfigState& config = turn.state.config;
  config.revision = turn.by;
  std::vector<std::string> errors;
  if (!read.whole.ok()) errors.push_back(ToUtf8(read.whole.message()));
  std::set<std::string> bad_files;
  for (const event::ConfigRead::FileError& error : read.errors) {
    bad_files.insert(error.file);
    errors.push_back(ToUtf8(absl::StrCat(error.file, ":", error.message)));
  }
  for (const DeclaredResource& declared : read.resources) {
    const absl::Status status = CheckDeclared(turn.state, declared);
    if (status.ok()) continue;
    bad_files.insert(declared.place);
    errors.push_back(absl::StrCat(declared.place, ": ", std::string(status.message())));
  }
  std::set<ResourceKey> declared_keys;
  // Clusters first, so that applications find them.
  for (const bool clusters : {true, false}) {
    for (const DeclaredResource& declared : read.resources) {
      const ResourceKey key = KeyOf(declared.resource);
      if ((key.kind == ResourceKind::kCluster) != clusters || bad_files.contains(declared.place))
        continue;
      declared_keys.insert(key);
      Put(turn, declared, turn.by, &declared.place);
    }
  }
  // What is declared again is not approved away, whatever else is wrong with this revision.
  std::erase_if(config.vanished, [&](const ResourceKey& key) {
    const ResourceState* resource = turn.state.FindResource(key);
    return declared_keys.contains(key) || resource == nullptr || bad_files.contains(resource->file);
  });
  if (errors.empty() && !declared_keys.empty()) DropVanished(turn, declared_keys);
  // What is there again does not wait to be deleted.
  std::erase_if(config.vanished,
                [&](const ResourceKey& key) { return declared_keys.contains(key); });
  const bool is_new = errors != config.errors;
  config.errors = std::move(errors);
  turn.TouchConfig();
  if (is_new && !config.errors.empty()) {
    turn.Record({.warning = true,
                 .reason = "ConfigErrors",
                 .message = absl::StrCat(config.errors.size(),
                                         " errors in the configuration repository at ",
                                         config.revision, ", the first: ", config.errors.front(),
                                         "; nothing is deleted until they are mended")});
  }
  if (std::exchange(source.render_again, false) || source.rendering_commit != source.commit) {
    turn.render.insert(ConfigRepositoryName());
  }
  turn.Notify();
}

}  // namespace lockstep
