#include "tests/hub/core/fake_agent.h"

#include <algorithm>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/bundle/delta.h"
#include "common/bundle/guard.h"

namespace lockstep {

std::string ObjectBytes(const std::string& name, const std::string& value) {
  return absl::StrCat(name, "=", value);
}

ObjectKey Key(const std::string& name) { return {"", "ConfigMap", "shop", name}; }

ManifestPtr MakeManifest(const Folder& folder) {
  std::vector<ManifestEntry> entries;
  for (const auto& [name, value] : folder)
    entries.push_back({Key(name), Digest::Of(ObjectBytes(name, value))});
  return *Manifest::Make(std::move(entries));
}

Digest FakeAgent::Root() const {
  std::vector<ApplicationRoot> roots;
  for (const auto& [name, application] : applications) {
    if (application.releasing) continue;
    roots.push_back(
        {name, application.generation, application.manifest->digest(), application.options});
  }
  return ClusterRoot(std::move(roots));
}

Hello FakeAgent::SayHello() const {
  Hello hello;
  hello.version = "test";
  hello.target_uid = target_uid;
  hello.start_counter = start_counter;
  hello.seen = seen;
  hello.revoked.assign(revoked.begin(), revoked.end());
  hello.desired_seq = desired_seq;
  hello.status_seq_acked = status_seq;
  hello.cluster_root = Root();
  return hello;
}

std::vector<std::variant<Ack, StatusReport, Beat, Pages>> FakeAgent::Take(const Desired& desired) {
  if (desired.at.counter > seen.counter) seen = desired.at;
  std::map<std::string, std::optional<Digest>> approved;
  Ack ack;
  for (const ApplicationTarget& target : desired.applications) {
    if (const auto at = left.find(target.name); at != left.end()) {
      applications[target.name] = std::move(at->second);
      left.erase(at);
    }
    Application& application = applications[target.name];
    if (target.generation < application.generation) {
      ack.refused.push_back(
          {target.name, target.generation, ApplicationAck::Code::kStale, "older", false});
      continue;
    }
    if (target.generation == application.generation) continue;  // Repeated.
    objects_before_[target.name] = application.manifest->size();
    if (const auto* release = std::get_if<ReleaseObjects>(&target.content)) {
      application.releasing = true;
      application.tombstones.clear();
      if (*release == ReleaseObjects::kDelete) {
        for (const ManifestEntry& entry : application.manifest->entries())
          application.tombstones.insert(entry.key);
      }
    } else {
      const DeltaMessage& message = *std::get<std::shared_ptr<const DeltaMessage>>(target.content);
      const Manifest& base = message.delta.base.IsZero() ? *EmptyManifest() : *application.manifest;
      const absl::StatusOr<ManifestPtr> result = ApplyDelta(base, message.delta);
      if (!result.ok()) {
        ack.refused.push_back({target.name, target.generation, ApplicationAck::Code::kTransient,
                               std::string(result.status().message()), true});
        continue;
      }
      for (const ObjectKey& key : RemovedKeys(base, message.delta))
        application.tombstones.insert(key);
      application.manifest = *result;
      application.releasing = false;
      for (const ManifestEntry& entry : application.manifest->entries())
        application.inventory.insert(entry.key);
    }
    application.tombstones.insert(target.tombstones.begin(), target.tombstones.end());
    application.generation = target.generation;
    application.options = target.options_digest;
    approved[target.name] = target.approved;
    ++targets_taken;
  }
  // Handed over: what any of them names is no delete.
  for (auto& [name, application] : applications) {
    for (const auto& [other, holder] : applications) {
      if (holder.releasing) continue;
      for (const ManifestEntry& entry : holder.manifest->entries()) {
        application.tombstones.erase(entry.key);
        if (name != other) application.inventory.erase(entry.key);
      }
    }
  }
  desired_seq = desired.seq;
  ack.received_through = desired.seq;
  ack.cluster_root = Root();
  StatusReport status;
  status.seq = ++status_seq;
  for (const auto& [name, approval] : approved) {
    said_[name] = Report(name, approval);
    status.applications.push_back(said_[name]);
    if (!applications.contains(name) && !left.contains(name)) said_.erase(name);
  }
  return {ack, status};
}

ApplicationReport FakeAgent::Report(const std::string& name,
                                    const std::optional<Digest>& approved) {
  Application& application = applications.at(name);
  ApplicationReport report;
  report.name = name;
  report.generation = application.generation;
  report.manifest = application.manifest->digest();
  report.objects = static_cast<uint32_t>(application.manifest->size());
  std::vector<ObjectKey> deletes(application.tombstones.begin(), application.tombstones.end());
  const GuardVerdict verdict = WeighDeletes(deletes, objects_before_[name]);
  const bool is_approved = approved.has_value() && *approved == KeyListDigest(deletes);
  if ((verdict.held || application.releasing) && !deletes.empty() && !is_approved) {
    report.held = deletes;
    report.state = application.releasing ? ApplicationState::kDeleting : ApplicationState::kHeld;
    report.message = verdict.reason;
    return report;
  }
  deleted.insert(deleted.end(), deletes.begin(), deletes.end());
  application.tombstones.clear();
  for (const ObjectKey& key : deletes) application.inventory.erase(key);
  report.state = ApplicationState::kSynced;
  if (application.releasing) {
    report.state = ApplicationState::kReleased;
    application.manifest = EmptyManifest();
  }
  for (const ObjectKey& key : application.inventory) {
    if (application.manifest->Find(key) == nullptr) report.orphans.push_back(key);
  }
  if (application.releasing) {
    if (!application.inventory.empty()) left[name] = application;
    applications.erase(name);
  }
  return report;
}

Pages FakeAgent::TellPages() const {
  Pages pages;
  for (const auto& [name, application] : applications) {
    pages.applications.push_back({name, application.generation, application.manifest->digest(),
                                  application.options, application.releasing});
  }
  for (const auto& [name, application] : left) {
    pages.applications.push_back(
        {name, application.generation, Digest(), application.options, true});
  }
  return pages;
}

StatusReport FakeAgent::SayAll() {
  StatusReport status;
  status.seq = ++status_seq;
  status.full = true;
  for (const auto& [name, report] : said_) status.applications.push_back(report);
  return status;
}

}  // namespace lockstep
