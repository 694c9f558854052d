#include "hub/rpc/diff_stream.h"

#include <algorithm>
#include <map>
#include <utility>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/bundle/delta.h"
#include "common/bundle/guard.h"
#include "common/object/diff.h"
#include "common/object/json.h"
#include "hub/fleet/placement.h"
#include "hub/record/key.h"
#include "hub/rpc/question.h"

namespace lockstep {
namespace {

constexpr int kChangesPerMessage = 500;
constexpr size_t kMessageBytes = 1 << 20;
constexpr size_t kFieldsMax = 64;
constexpr size_t kValueBytesMax = 4096;

bool IsCommit(absl::string_view revision) {
  return revision.size() == 40 &&
         std::all_of(revision.begin(), revision.end(), absl::ascii_isxdigit);
}

std::string Shown(const Value* value) {
  if (value == nullptr) return "";
  std::string json = CanonicalJson(*value);
  if (json.size() > kValueBytesMax) return absl::StrCat("\"… ", json.size(), " bytes\"");
  return json;
}

}  // namespace

void DiffStream::Next() {
  auto self = std::static_pointer_cast<DiffStream>(shared_from_this());
  if (collected_) {
    parts_->pool->Run([self] { self->Compare(); });
    return;
  }
  parts_->read(Question(
      [self](const HubState& state) {
        if (absl::Status status = self->Collect(state); !status.ok())
          return self->End(std::move(status));
        self->parts_->pool->Run([self] { self->Compare(); });
      },
      [self](absl::Status status) { self->End(std::move(status)); }));
}

// Copies what the comparison needs, on the loop thread.
absl::Status DiffStream::Collect(const HubState& state) {
  collected_ = true;
  const std::string name = name_.ToString();
  const ResourceState* application = state.FindApplication(name);
  if (application == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("Application ", name, " does not exist; see `lockstep get applications -A`"));
  }
  application_ = std::get<Application>(*application->resource);
  const NamespacedName& source = application_.spec.source;
  const ResourceState* repository =
      state.FindResource({ResourceKind::kGitRepository, source.namespace_, source.name});
  const auto fetched = state.sources.find(source);
  if (repository == nullptr || fetched == state.sources.end() || fetched->second.commit.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "GitRepository ", source.ToString(), " of Application ", name,
        " was not fetched yet; see `lockstep describe gitrepository ", source.ToString(), "`"));
  }
  repository_.repository = source;
  repository_.specification = std::shared_ptr<const GitRepository>(
      repository->resource, &std::get<GitRepository>(*repository->resource));
  const std::string& secret = repository_.specification->spec.secret;
  if (!secret.empty()) {
    if (const ResourceState* found =
            state.FindResource({ResourceKind::kSecret, source.namespace_, secret})) {
      repository_.secret = found->secret;
    }
  }
  commit_ = fetched->second.commit;
  if (revision_.empty()) revision_ = fetched->second.revision;

  for (const auto& [cluster, known] : state.clusters) {
    if (!cluster_.empty() && cluster != cluster_) continue;
    const ResourceState* resource = state.FindResource({ResourceKind::kCluster, "", cluster});
    if (resource == nullptr) continue;
    const auto instance = known.instances.find(name);
    const bool placed = IsPlaced(application_.spec.placement, cluster, resource->meta().labels);
    if (!placed) continue;
    Target target{{cluster, resource->meta().labels}, EmptyManifest()};
    if (instance != known.instances.end()) target.now = instance->second.assignment.manifest;
    targets_.push_back(std::move(target));
  }
  if (targets_.empty() && !cluster_.empty()) {
    return absl::NotFoundError(absl::StrCat("Application ", name, " is not placed on a cluster ",
                                            cluster_, "; see `lockstep get application ", name,
                                            " -o wide`"));
  }
  return absl::OkStatus();
}

absl::Status DiffStream::FindRevision() {
  if (snapshot_ != nullptr) return absl::OkStatus();
  std::string commit = IsCommit(revision_) ? revision_ : commit_;
  const bool newest = absl::StrContains(revision_, "@sha1:");
  absl::StatusOr<std::shared_ptr<const Snapshot>> snapshot = absl::NotFoundError("");
  if (newest || IsCommit(revision_))
    snapshot = parts_->snapshots->Open(repository_.repository, commit);
  if (absl::IsNotFound(snapshot.status())) {
    LOCKSTEP_ASSIGN_OR_RETURN(const event::Fetched found,
                              parts_->find_revision(repository_, newest ? commit_ : revision_));
    revision_ = found.revision;
    snapshot = parts_->snapshots->Open(repository_.repository, found.commit);
  }
  LOCKSTEP_ASSIGN_OR_RETURN(snapshot_, std::move(snapshot));
  return absl::OkStatus();
}

// On the pool: one cluster at a time, and each message of it.
void DiffStream::Compare() {
  if (absl::Status status = FindRevision(); !status.ok()) return End(std::move(status));
  if (ready_.empty()) {
    if (targets_.empty()) return End(absl::OkStatus());
    const Target target = std::move(targets_.front());
    targets_.pop_front();
    if (absl::Status status = CompareCluster(target); !status.ok()) return End(std::move(status));
  }
  v1::DiffResponse response = std::move(ready_.front());
  ready_.pop_front();
  Write(std::move(response));
}

absl::Status DiffStream::CompareCluster(const Target& target) {
  absl::StatusOr<RenderedSet> next = Render(target);
  if (next.ok()) return Describe(target, *next);
  Message(target)->set_error(std::string(next.status().message()));
  return absl::OkStatus();
}

absl::StatusOr<RenderedSet> DiffStream::Render(const Target& target) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string path, application_.spec.path.Expand(target.facts));
  RenderParameters parameters;
  parameters.default_namespace = application_.spec.default_namespace;
  parameters.ignore = repository_.specification->spec.ignore;
  absl::StatusOr<RenderedSet> next = RenderPlain(*snapshot_, path, parameters, parts_->parse_cache);
  if (absl::IsNotFound(next.status()) && application_.spec.missing_path == MissingPath::kSkip) {
    RenderedSet nothing;
    nothing.manifest = EmptyManifest();
    return nothing;
  }
  return next;
}

absl::Status DiffStream::Describe(const Target& target, const RenderedSet& next) {
  const BundleDelta delta = ComputeDelta(*target.now, *next.manifest);
  const std::vector<ObjectKey> removed = RemovedKeys(*target.now, delta);
  const bool held = application_.spec.prune && WeighDeletes(removed, target.now->size()).held;
  v1::DiffResponse* message = Message(target);
  message->set_held(held);
  size_t bytes = 0;
  const auto add = [&](v1::ObjectChange::Action action, const ObjectKey& key) {
    if (message->changes_size() >= kChangesPerMessage || bytes >= kMessageBytes) {
      message = Message(target);
      message->set_held(held);
      bytes = 0;
    }
    v1::ObjectChange* change = message->add_changes();
    change->set_action(action);
    change->set_object(key.ToString());
    return change;
  };
  for (const BundleDelta::Change& change : delta.changes) {
    if (!change.position) {
      add(v1::ObjectChange::ADD, change.key);
      continue;
    }
    const ManifestEntry& before = target.now->entries()[*change.position];
    v1::ObjectChange* changed = add(v1::ObjectChange::CHANGE, before.key);
    AddFields(before.key, before.blob, change.blob, next, changed);
    bytes += changed->ByteSizeLong();
  }
  for (const ObjectKey& key : removed) add(v1::ObjectChange::REMOVE, key);
  return absl::OkStatus();
}

// What cannot be read is left out: the change itself is there.
void DiffStream::AddFields(const ObjectKey& key, const Digest& before, const Digest& after,
                           const RenderedSet& next, v1::ObjectChange* change) const {
  const absl::StatusOr<std::string> stored = parts_->store->Get(Family::kBlob, BlobKey(before));
  const RenderedObject* object = next.Find(key);
  if (!stored.ok() || object == nullptr || object->blob != after) return;
  const absl::StatusOr<Value> old_value = ReadJson(*stored, "stored");
  const absl::StatusOr<Value> new_value = ReadJson(*object->json, object->file);
  if (!old_value.ok() || !new_value.ok()) return;
  const bool secret = key.group.empty() && key.kind == "Secret";
  for (const FieldDifference& field : DiffValues(*old_value, *new_value, kFieldsMax)) {
    v1::FieldChange* message = change->add_fields();
    message->set_path(field.path);
    if (secret) continue;  // SECURITY A-66: that they differ, never how.
    message->set_before(Shown(field.before));
    message->set_after(Shown(field.after));
  }
}

v1::DiffResponse* DiffStream::Message(const Target& target) {
  v1::DiffResponse* message = &ready_.emplace_back();
  message->set_cluster(target.facts.name);
  message->set_revision(revision_);
  return message;
}

}  // namespace lockstep
