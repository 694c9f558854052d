#include "hub/core/turn.h"

#include <optional>

#include "hub/record/key.h"

namespace lockstep {
namespace {

void PutOrDelete(Batch* batch, Family family, std::string key, std::optional<std::string> value) {
  if (value.has_value()) {
    batch->Put(family, std::move(key), *std::move(value));
  } else {
    batch->Delete(family, std::move(key));
  }
}

}  // namespace

void Turn::Record(AuditEvent event) {
  event.time = wall();
  if (event.by.empty()) event.by = by;
  const uint64_t sequence = ++state.event_sequence;
  TouchHub();
  batch_.Put(Family::kEvent, EventKey(sequence), EncodeEvent(event));
  if (sequence > kEventsMax) batch_.Delete(Family::kEvent, EventKey(sequence - kEventsMax));
  Notify();
}

void Turn::RecordHistory(const std::string& cluster, const std::string& application,
                         Instance* instance, HistoryEntry entry) {
  entry.time = wall();
  entry.by = by;
  const uint64_t sequence = ++state.release_sequence;
  TouchHub();
  batch_.Put(Family::kRelease, ReleaseKey({application, sequence, cluster}), EncodeHistory(entry));
  instance->history.push_back(sequence);
  if (instance->history.size() > kHistoryPerInstanceMax) {
    batch_.Delete(Family::kRelease, ReleaseKey({application, instance->history.front(), cluster}));
    instance->history.erase(instance->history.begin());
  }
  Notify();
}

void Turn::ForgetHistory(const std::string& cluster, const std::string& application,
                         const Instance& instance) {
  for (const uint64_t sequence : instance.history) {
    batch_.Delete(Family::kRelease, ReleaseKey({application, sequence, cluster}));
  }
}

void Turn::PutBlob(const Digest& digest, const std::string& bytes) {
  batch_.Put(Family::kBlob, BlobKey(digest), bytes);
}

void Turn::WritePoints() {
  for (const std::string& cluster : points_) {
    for (const auto& [key, points] : {std::pair(BehindKey(cluster), &state.behind.agents),
                                      std::pair(ForgivenKey(cluster), &state.behind.forgiven)}) {
      const auto at = points->find(cluster);
      PutOrDelete(&batch_, Family::kMeta, key,
                  at == points->end() ? std::nullopt : std::optional(EncodePoint(at->second)));
    }
  }
}

void Turn::WriteResources() {
  for (const ResourceKey& key : resources_) {
    const auto at = state.resources.find(key);
    PutOrDelete(
        &batch_, Family::kResource,
        ResourceRecordKey({std::string(KindName(key.kind)), key.namespace_, key.name}),
        at == state.resources.end() ? std::nullopt : std::optional(EncodeResource(at->second)));
  }
  for (const NamespacedName& name : sources_) {
    const auto at = state.sources.find(name);
    PutOrDelete(&batch_, Family::kSource, SourceKey({name.namespace_, name.name}),
                at == state.sources.end() ? std::nullopt : std::optional(EncodeSource(at->second)));
  }
}

void Turn::WriteInstances() {
  const auto find = [this](const std::pair<std::string, std::string>& place) -> const Instance* {
    const auto cluster = state.clusters.find(place.first);
    if (cluster == state.clusters.end()) return nullptr;
    const auto instance = cluster->second.instances.find(place.second);
    return instance == cluster->second.instances.end() ? nullptr : &instance->second;
  };
  for (const auto& place : assignments_) {
    const Instance* instance = find(place);
    PutOrDelete(&batch_, Family::kAssignment, PlaceKey({place.first, place.second}),
                instance == nullptr ? std::nullopt : std::optional(EncodeAssignment(*instance)));
  }
  const auto left = [this](const std::pair<std::string, std::string>& place) {
    std::optional<std::string> record;
    const auto cluster = state.clusters.find(place.first);
    if (cluster == state.clusters.end()) return record;
    const auto report = cluster->second.left.find(place.second);
    if (report != cluster->second.left.end()) record = EncodeLeft(report->second);
    return record;
  };
  for (const auto& place : statuses_) {
    const Instance* instance = find(place);
    PutOrDelete(&batch_, Family::kStatus, PlaceKey({place.first, place.second}),
                instance == nullptr ? left(place) : std::optional(EncodeStatus(*instance)));
  }
}

void Turn::WriteClusters() {
  for (const std::string& name : agents_) {
    const auto at = state.clusters.find(name);
    PutOrDelete(&batch_, Family::kStatus, PlaceKey({name, ""}),
                at == state.clusters.end() ? std::nullopt : std::optional(EncodeAgent(at->second)));
  }
  for (const std::string& name : enrolments_) {
    const auto at = state.clusters.find(name);
    PutOrDelete(
        &batch_, Family::kIdentity, IdentityKey({IdentityRecordKind::kCluster, {}, name}),
        at == state.clusters.end() ? std::nullopt : std::optional(EncodeEnrolment(at->second)));
  }
  for (const Digest& token : tokens_) {
    const auto at = state.tokens.find(token);
    PutOrDelete(&batch_, Family::kIdentity, IdentityKey({IdentityRecordKind::kToken, token, ""}),
                at == state.tokens.end() ? std::nullopt : std::optional(EncodeToken(at->second)));
  }
  for (const Digest& fingerprint : revoked_) {
    const auto at = state.revoked.find(fingerprint);
    PutOrDelete(
        &batch_, Family::kIdentity, IdentityKey({IdentityRecordKind::kRevoked, fingerprint, ""}),
        at == state.revoked.end() ? std::nullopt : std::optional(EncodeRevoked(at->second)));
  }
}

std::vector<Effect> Turn::Take() {
  WritePoints();
  WriteResources();
  WriteClusters();
  WriteInstances();
  if (config_) batch_.Put(Family::kMeta, MetaKey("config"), EncodeConfig(state.config));
  if (hub_) batch_.Put(Family::kMeta, MetaKey("hub"), EncodeHub(state));
  std::vector<Effect> effects;
  effects.reserve(effects_.size() + 2);
  if (!batch_.empty()) effects.emplace_back(effect::Write{std::move(batch_)});
  for (Effect& effect : effects_) effects.push_back(std::move(effect));
  if (notify_) effects.emplace_back(effect::Notify{});
  return effects;
}

}  // namespace lockstep
