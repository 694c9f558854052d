#include "hub/core/load.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/core/outgoing.h"
#include "hub/core/records.h"
#include "hub/core/sources.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

class Loader {
 public:
  Loader(const RecordReader& reader, LoadOptions options) : reader_(reader) {
    state_.settings = std::move(options.settings);
    state_.at = options.at;
    state_.started = options.now;
    state_.incarnation = std::move(options.incarnation);
  }

  absl::StatusOr<HubState> Load() {
    LOCKSTEP_RETURN_IF_ERROR(LoadMeta());
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kMeta, &Loader::TakeMeta));
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kResource, &Loader::TakeResource));
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kIdentity, &Loader::TakeIdentity));
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kSource, &Loader::TakeSource));
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kAssignment, &Loader::TakeAssignment));
    LOCKSTEP_RETURN_IF_ERROR(ForEach(Family::kStatus, &Loader::TakeStatus));
    for (auto& [name, cluster] : state_.clusters) {
      cluster.received_root = RootOfTargets(ReceivedTargets(cluster));
    }
    // What was put aside may be made again from Git.
    if (!state_.quarantined.empty()) {
      for (auto& [name, source] : state_.sources) source.rendered.clear();
    }
    return std::move(state_);
  }

 private:
  using Taker = absl::Status (Loader::*)(absl::string_view key, absl::string_view value);

  absl::Status ForEach(Family family, Taker take) {
    return reader_.Scan(family, [&](absl::string_view key, absl::string_view value) {
      const absl::Status status = (this->*take)(key, value);
      if (!status.ok()) Quarantine(family, key, status);
    });
  }

  void Quarantine(Family family, absl::string_view key, const absl::Status& status) {
    state_.quarantined.push_back(absl::StrCat(std::string(FamilyName(family)), "/",
                                              absl::CHexEscape(key), ": ",
                                              std::string(status.message())));
  }

  absl::Status LoadMeta() {
    const absl::StatusOr<std::string> hub = reader_.Get(Family::kMeta, MetaKey("hub"));
    if (hub.ok()) {
      const absl::Status status = DecodeHub(*hub, &state_);
      if (status.code() == absl::StatusCode::kFailedPrecondition) return status;
      if (!status.ok())
        return absl::DataLossError(absl::StrCat("opening the store: meta/hub cannot be read: ",
                                                std::string(status.message())));
    } else if (!absl::IsNotFound(hub.status())) {
      return hub.status();
    }
    const absl::StatusOr<std::string> config = reader_.Get(Family::kMeta, MetaKey("config"));
    if (config.ok()) {
      const absl::Status status = DecodeConfig(*config, &state_.config);
      if (!status.ok()) Quarantine(Family::kMeta, "config", status);
    } else if (!absl::IsNotFound(config.status())) {
      return config.status();
    }
    if (state_.settings.has_config_repository) AddSource(ConfigRepositoryName());
    return absl::OkStatus();
  }

  absl::Status TakeMeta(absl::string_view key, absl::string_view value) {
    return ReadPoint(key, value, &state_.behind);
  }

  void AddSource(const NamespacedName& name) { state_.sources[name].next_due = state_.started; }

  absl::Status TakeResource(absl::string_view key, absl::string_view value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const ResourceId id, ParseResourceRecordKey(key));
    LOCKSTEP_ASSIGN_OR_RETURN(ResourceState resource, DecodeResource(value));
    const ResourceKey name = KeyOf(*resource.resource);
    if (KindName(name.kind) != id.kind || name.namespace_ != id.namespace_ ||
        name.name != id.name) {
      return absl::DataLossError(absl::StrCat("it is ", name.ToString()));
    }
    if (name.kind == ResourceKind::kGitRepository) AddSource(name.Name());
    if (name.kind == ResourceKind::kCluster) {
      state_.clusters[name.name].labels =
          std::make_shared<const ClusterFacts>(ClusterFacts{name.name, resource.meta().labels});
    }
    state_.resources.emplace(name, std::move(resource));
    return absl::OkStatus();
  }

  absl::Status TakeIdentity(absl::string_view key, absl::string_view value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const IdentityId id, ParseIdentityKey(key));
    switch (id.kind) {
      case IdentityRecordKind::kToken: {
        LOCKSTEP_ASSIGN_OR_RETURN(IssuedToken token, DecodeToken(value));
        state_.tokens.emplace(id.digest, std::move(token));
        break;
      }
      case IdentityRecordKind::kRevoked: {
        // One that cannot be read is still a revocation.
        const absl::StatusOr<absl::Time> time = DecodeRevoked(value);
        state_.revoked.emplace(id.digest, time.ok() ? *time : state_.started);
        break;
      }
      case IdentityRecordKind::kCluster: {
        const auto cluster = state_.clusters.find(id.cluster);
        if (cluster == state_.clusters.end())
          return absl::DataLossError("its Cluster is not there");
        return DecodeEnrolment(value, &cluster->second);
      }
    }
    return absl::OkStatus();
  }

  absl::Status TakeSource(absl::string_view key, absl::string_view value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const SourceId id, ParseSourceKey(key));
    const auto source = state_.sources.find({id.namespace_, id.name});
    if (source == state_.sources.end())
      return absl::OkStatus();  // Of a configuration repository that is used no more.
    return DecodeSource(value, &source->second);
  }

  absl::Status TakeAssignment(absl::string_view key, absl::string_view value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const PlaceId place, ParsePlaceKey(key));
    const auto cluster = state_.clusters.find(place.cluster);
    if (cluster == state_.clusters.end()) return absl::DataLossError("its Cluster is not there");
    Instance instance;
    const absl::Status status = DecodeAssignment(value, Content(), &instance);
    if (!status.ok()) {
      uint64_t& floor = cluster->second.generation_floor;
      floor = std::max(floor, GenerationOf(value));
      return status;
    }
    cluster->second.instances.emplace(place.application, std::move(instance));
    state_.places[place.application].insert(place.cluster);
    return absl::OkStatus();
  }

  absl::Status TakeStatus(absl::string_view key, absl::string_view value) {
    LOCKSTEP_ASSIGN_OR_RETURN(const PlaceId place, ParsePlaceKey(key));
    const auto cluster = state_.clusters.find(place.cluster);
    if (cluster == state_.clusters.end()) return absl::DataLossError("its Cluster is not there");
    if (place.application.empty()) return DecodeAgent(value, &cluster->second);
    const auto instance = cluster->second.instances.find(place.application);
    if (instance == cluster->second.instances.end()) {
      LOCKSTEP_ASSIGN_OR_RETURN(ApplicationReport left, DecodeLeft(value, place.application));
      cluster->second.left.emplace(place.application, std::move(left));
      return absl::OkStatus();
    }
    return DecodeStatus(value, place.application, Content(), &instance->second);
  }

  ContentReader Content() { return {read_manifest_, read_origins_}; }

  template <typename T>
  absl::StatusOr<std::shared_ptr<const T>> ReadContent(
      const Digest& digest, std::map<Digest, std::shared_ptr<const T>>* known) {
    const auto at = known->find(digest);
    if (at != known->end()) return at->second;
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string bytes, reader_.Get(Family::kBlob, BlobKey(digest)));
    LOCKSTEP_ASSIGN_OR_RETURN(std::shared_ptr<const T> read, T::Decode(bytes));
    if (read->digest() != digest)
      return absl::DataLossError(absl::StrCat("the content ", digest.Short(), " is another"));
    known->emplace(digest, read);
    return read;
  }

  const RecordReader& reader_;
  HubState state_;
  std::map<Digest, ManifestPtr> manifests_;
  std::map<Digest, OriginsPtr> origins_;
  const std::function<absl::StatusOr<ManifestPtr>(const Digest&)> read_manifest_ =
      [this](const Digest& digest) { return ReadContent<Manifest>(digest, &manifests_); };
  const std::function<absl::StatusOr<OriginsPtr>(const Digest&)> read_origins_ =
      [this](const Digest& digest) { return ReadContent<Origins>(digest, &origins_); };
};

}  // namespace

absl::StatusOr<HubState> LoadState(const RecordReader& reader, LoadOptions options) {
  return Loader(reader, std::move(options)).Load();
}

}  // namespace lockstep
