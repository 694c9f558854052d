#include "hub/core/queries.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/core/instances.h"
#include "hub/core/sources.h"

namespace lockstep {
namespace {

bool Names(const ManifestPtr& manifest, const Digest& digest) {
  return manifest != nullptr && (manifest->digest() == digest || manifest->HasBlob(digest));
}

}  // namespace

bool MayFetch(const HubState& state, absl::string_view cluster, const Digest& digest) {
  const auto at = state.clusters.find(std::string(cluster));
  if (at == state.clusters.end() || digest.IsZero()) return false;
  for (const auto& [name, instance] : at->second.instances) {
    if (Names(instance.assignment.manifest, digest) || Names(instance.before, digest) ||
        Names(instance.received.manifest, digest)) {
      return true;
    }
  }
  return false;
}

BlobBytes FindDocument(const HubState& state, absl::string_view cluster, const Digest& digest) {
  const auto at = state.clusters.find(std::string(cluster));
  if (at == state.clusters.end() || !at->second.session.has_value()) return nullptr;
  const std::deque<SentDesired>& in_flight = at->second.session->in_flight;
  const bool named = std::any_of(in_flight.begin(), in_flight.end(), [&](const SentDesired& sent) {
    return sent.documents.contains(digest);
  });
  return named ? state.deltas.FindDocument(digest) : nullptr;
}

absl::Status CheckIdentity(const HubState& state, absl::string_view cluster,
                           const Digest& fingerprint) {
  const auto at = state.clusters.find(std::string(cluster));
  if (state.revoked.contains(fingerprint) || state.behind.revoked.contains(fingerprint)) {
    return absl::PermissionDeniedError(
        absl::StrCat("the key ", fingerprint.Short(), " was revoked"));
  }
  if (at == state.clusters.end()) {
    return absl::PermissionDeniedError(
        absl::StrCat("there is no cluster ", cluster, " (any more)"));
  }
  if (at->second.fingerprint != fingerprint) {
    return absl::PermissionDeniedError(
        absl::StrCat("cluster ", cluster, " is enrolled with another key"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<Digest, BlobBytes>> AllowFetch(const HubState& state,
                                                       absl::string_view cluster,
                                                       const Digest& fingerprint,
                                                       const std::vector<Digest>& digests) {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentity(state, cluster, fingerprint));
  std::map<Digest, BlobBytes> documents;
  for (const Digest& digest : digests) {
    if (BlobBytes document = FindDocument(state, cluster, digest)) {
      documents.emplace(digest, std::move(document));
    } else if (!MayFetch(state, cluster, digest)) {
      return absl::NotFoundError(
          absl::StrCat("blob ", digest.Short(), " is not assigned to this cluster"));
    }
  }
  return documents;
}

std::vector<reply::HeldList> HeldLists(const HubState& state, absl::string_view application) {
  std::vector<reply::HeldList> lists;
  const std::string name(application);
  const auto places = state.places.find(name);
  if (places == state.places.end()) return lists;
  for (const std::string& cluster : places->second) {
    const Instance& instance = state.clusters.at(cluster).instances.at(name);
    const std::optional<ApplicationReport>& report = instance.report;
    // A hub that lost its state hears of lists before it has a release to approve them with.
    if (instance.assignment.generation == 0 || !report.has_value() || report->held.empty())
      continue;
    lists.push_back({cluster, report->held, KeyListDigest(report->held)});
  }
  return lists;
}

std::vector<command::OrphanList> Orphans(const HubState& state, absl::string_view cluster) {
  std::vector<command::OrphanList> lists;
  for (const auto& [name, on] : state.clusters) {
    if (!cluster.empty() && name != cluster) continue;
    const size_t first = lists.size();
    for (const auto& [application, instance] : on.instances) {
      std::vector<ObjectKey> keys = OrphansOf(instance);
      if (!keys.empty()) lists.push_back({name, application, std::move(keys)});
    }
    for (const auto& [application, report] : on.left)
      lists.push_back({name, application, report.orphans});
    std::sort(lists.begin() + static_cast<std::ptrdiff_t>(first), lists.end(),
              [](const command::OrphanList& a, const command::OrphanList& b) {
                return a.application < b.application;
              });
  }
  return lists;
}

std::vector<std::string> WaitingFor(const HubState& state, absl::string_view application) {
  const auto places = state.places.find(std::string(application));
  if (places == state.places.end()) return {};
  return {places->second.begin(), places->second.end()};
}

absl::Status CheckExists(const HubState& state, const ResourceKey& key) {
  if (state.FindResource(key) != nullptr) return absl::OkStatus();
  if (key.kind == ResourceKind::kGitRepository && FindRepository(state, key.Name()) != nullptr)
    return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(key.ToString(), " does not exist"));
}

}  // namespace lockstep
