#include "hub/core/release_planner.h"

#include <optional>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

namespace lockstep {
namespace {

std::string Place(absl::string_view application, const Manifest& manifest,
                  const OriginsPtr& origins, const ObjectKey& key) {
  const ManifestEntry* entry = manifest.Find(key);
  absl::string_view file;
  if (entry != nullptr && origins != nullptr) {
    file = origins->FileOf(static_cast<size_t>(entry - manifest.entries().data()));
  }
  return file.empty() ? absl::StrCat("application ", application)
                      : absl::StrCat("application ", application, " (", file, ")");
}

class Planner {
 public:
  Planner(const ClusterView& view, DiffManifests diff) : view_(view) {
    plans_.resize(view.applications.size());
    for (size_t i = 0; i < plans_.size(); ++i) {
      const PlannedApplication& application = view.applications[i];
      if (application.candidate == nullptr) continue;
      plans_[i].accepted = true;
      plans_[i].way = diff(*application.assigned, *application.candidate);
      for (const BundleDelta::Change& change : plans_[i].way->changes) {
        if (!change.position.has_value()) claimants_[change.key].push_back(i);
      }
    }
  }

  std::vector<ReleaseDecision> Plan() {
    for (bool refused = true; refused;) {
      refused = false;
      for (size_t i = 0; i < plans_.size(); ++i) {
        if (!plans_[i].accepted) continue;
        std::string refusal = Refusal(i);
        if (refusal.empty()) continue;
        plans_[i].accepted = false;
        plans_[i].refusal = std::move(refusal);
        refused = true;
      }
    }
    std::vector<ReleaseDecision> decisions;
    for (size_t i = 0; i < plans_.size(); ++i) {
      if (plans_[i].way == nullptr) continue;
      decisions.push_back({view_.applications[i].name, plans_[i].accepted, plans_[i].refusal});
    }
    return decisions;
  }

 private:
  struct Outlook {
    bool accepted = false;
    std::string refusal;
    std::shared_ptr<const BundleDelta> way;  // Null without a candidate.
  };

  // Why the candidate of `i` cannot go as things stand; empty if it can.
  std::string Refusal(size_t i) const {
    std::string first;
    size_t more = 0;
    const auto found = [&](std::string sentence) {
      if (first.empty()) {
        first = std::move(sentence);
      } else {
        ++more;
      }
    };
    for (const BundleDelta::Change& change : plans_[i].way->changes) {
      if (change.position.has_value()) continue;
      const std::optional<std::string> clash = Clash(i, change.key);
      if (clash.has_value()) found(*clash);
    }
    if (!view_.applications[i].orphans) {
      for (const uint32_t position : plans_[i].way->removed) {
        const ObjectKey& key = view_.applications[i].assigned->entries()[position].key;
        const std::optional<std::string> claim = RefusedClaim(i, key);
        if (claim.has_value()) found(*claim);
      }
    }
    if (more > 0) absl::StrAppend(&first, "; and ", more, " more object", more == 1 ? "" : "s");
    return first;
  }

  // Who else names `key`, which the candidate of `i` adds.
  std::optional<std::string> Clash(size_t i, const ObjectKey& key) const {
    const PlannedApplication& me = view_.applications[i];
    for (size_t j = 0; j < plans_.size(); ++j) {
      const PlannedApplication& other = view_.applications[j];
      if (j == i || other.assigned->Find(key) == nullptr) continue;
      const Manifest& result = plans_[j].accepted ? *other.candidate : *other.assigned;
      if (result.Find(key) == nullptr) continue;
      return absl::StrCat(
          key.ToString(), " of ", Place(me.name, *me.candidate, me.candidate_origins, key),
          " is already held by ", Place(other.name, *other.assigned, other.assigned_origins, key),
          ", which keeps it; remove it from one of the two");
    }
    for (const size_t j : claimants_.at(key)) {
      if (j == i) continue;
      const PlannedApplication& other = view_.applications[j];
      return absl::StrCat(key.ToString(), " is claimed by ",
                          Place(me.name, *me.candidate, me.candidate_origins, key), " and by ",
                          Place(other.name, *other.candidate, other.candidate_origins, key),
                          "; neither is applied until it is removed from one of the two");
    }
    return std::nullopt;
  }

  // A refused candidate that claims `key`, which the candidate of `i` drops.
  std::optional<std::string> RefusedClaim(size_t i, const ObjectKey& key) const {
    const auto claimants = claimants_.find(key);
    if (claimants == claimants_.end()) return std::nullopt;
    for (const size_t j : claimants->second) {
      if (j == i || plans_[j].accepted) continue;
      const PlannedApplication& me = view_.applications[i];
      const PlannedApplication& other = view_.applications[j];
      return absl::StrCat(Place(me.name, *me.assigned, me.assigned_origins, key), " drops ",
                          key.ToString(), ", which waits for ",
                          Place(other.name, *other.candidate, other.candidate_origins, key),
                          ", and that one cannot take it over yet; see its message");
    }
    return std::nullopt;
  }

  const ClusterView& view_;
  std::vector<Outlook> plans_;                                     // As view_.applications.
  absl::flat_hash_map<ObjectKey, std::vector<size_t>> claimants_;  // Who adds a key, ascending.
};

}  // namespace

std::vector<ReleaseDecision> PlanReleases(const ClusterView& view, DiffManifests diff) {
  return Planner(view, diff).Plan();
}

}  // namespace lockstep
