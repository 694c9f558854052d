#include "hub/rollup/convert.h"

#include <algorithm>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "common/text/count.h"
#include "hub/core/instances.h"
#include "hub/core/sources.h"
#include "hub/fleet/convert.h"

namespace lockstep {
namespace {

void SetTime(absl::Time time, google::protobuf::Timestamp* field) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  field->set_seconds(seconds);
  field->set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
}

// In kstatus' terms.
struct Judgement {
  ShownState state = ShownState::kUnknown;
  std::string reason;
  std::string message;
  absl::Time since;
};

template <typename Conditions>
void AddCondition(const char* type, const char* value, const Judgement& verdict,
                  Conditions* conditions) {
  v1::Condition* condition = conditions->Add();
  condition->set_type(type);
  condition->set_status(value);
  condition->set_reason(verdict.reason);
  condition->set_message(verdict.message);
  if (verdict.since != absl::InfinitePast())
    SetTime(verdict.since, condition->mutable_last_transition_time());
}

template <typename Conditions>
void AddConditions(const Judgement& verdict, Conditions* conditions) {
  const ShownState state = verdict.state;
  const bool unknown = state == ShownState::kUnknown || state == ShownState::kOffline;
  AddCondition("Ready",
               state == ShownState::kSynced ? "True"
               : unknown                    ? "Unknown"
                                            : "False",
               verdict, conditions);
  if (state == ShownState::kProgressing || state == ShownState::kDeleting) {
    AddCondition("Reconciling", "True", verdict, conditions);
  }
  if (state == ShownState::kStalled) AddCondition("Stalled", "True", verdict, conditions);
}

template <typename Status>
void AddOrigin(const HubState& state, const ResourceState& resource, Status* status) {
  status->set_observed_generation(resource.meta().generation);
  status->set_not_in_git(state.settings.has_config_repository && !resource.from_git);
  if (!resource.suspension.has_value()) return;
  v1::Suspension* suspension = status->mutable_suspension();
  suspension->set_by(resource.suspension->by);
  SetTime(resource.suspension->since, suspension->mutable_since());
  suspension->set_reason(resource.suspension->reason);
}

constexpr size_t kConfigShownMax = 3;  // Errors, and resources that wait.

// The first of them, and how many more there are.
std::string FirstOf(const std::vector<std::string>& texts) {
  const size_t shown = std::min(texts.size(), kConfigShownMax);
  std::string first = absl::StrJoin(texts.begin(), texts.begin() + shown, "; ");
  if (shown < texts.size()) absl::StrAppend(&first, " (and ", texts.size() - shown, " more)");
  return first;
}

// What the configuration repository's newest revision could not bring about.
std::string ConfigTrouble(const ConfigState& config) {
  std::string trouble;
  if (config.errors.size() == 1) trouble = config.errors.front();
  if (config.errors.size() > 1)
    trouble = absl::StrCat(Counted(config.errors.size(), "error"), ": ", FirstOf(config.errors));
  if (config.vanished.empty()) return trouble;
  std::vector<std::string> vanished;
  for (const ResourceKey& key : config.vanished) vanished.push_back(key.ToString());
  return absl::StrCat(
      trouble, trouble.empty() ? "" : "; ", Counted(vanished.size(), "resource"),
      " vanished from it; kept until `lockstep approve --config`: ", FirstOf(vanished));
}

Judgement JudgeSource(const SourceState& source, bool suspended, const ConfigState& config) {
  Judgement verdict{ShownState::kSynced, "Synced", "", source.last_fetch};
  const auto say = [&](ShownState state, std::string reason, std::string message) {
    verdict.state = state;
    verdict.reason = std::move(reason);
    verdict.message = std::move(message);
  };
  if (suspended) {
    say(ShownState::kSuspended, "Suspended", "");
  } else if (!source.error.ok()) {
    say(ShownState::kStalled, "FetchFailed", std::string(source.error.message()));
  } else if (source.commit.empty()) {
    say(ShownState::kProgressing, "Fetching", "");
  } else if (!config.errors.empty()) {
    say(ShownState::kStalled, "ConfigErrors", ConfigTrouble(config));
  } else if (!config.vanished.empty()) {
    say(ShownState::kHeld, "ConfigHeld", ConfigTrouble(config));
  }
  return verdict;
}

void FillSource(const SourceState& source, const Judgement& verdict,
                v1::GitRepositoryStatus* status) {
  AddConditions(verdict, status->mutable_conditions());
  status->set_state(std::string(ShownStateName(verdict.state)));
  status->set_revision(source.revision);
  if (source.last_fetch != absl::InfinitePast())
    SetTime(source.last_fetch, status->mutable_last_fetch_time());
}

void FillInstance(const InstanceView& view, v1::ApplicationClusterStatus* to) {
  to->set_cluster(view.cluster);
  to->set_state(std::string(ShownStateName(view.state)));
  to->set_message(view.message);
  to->set_revision(view.revision);
  to->set_generation(view.generation);
  to->set_desired_generation(view.desired_generation);
  to->set_objects(static_cast<int32_t>(view.objects));
  to->set_held_delete_count(static_cast<int32_t>(view.held));
  for (const ObjectKey& key : view.held_objects) to->add_held_deletes(key.ToString());
  if (view.observed_at != absl::InfinitePast())
    SetTime(view.observed_at, to->mutable_observed_at());
  to->set_fresh(view.fresh);
  to->set_orphans(static_cast<int32_t>(view.orphans));
}

void FillApplication(const HubState& state, const ResourceState& resource, PerCluster per_cluster,
                     v1::ApplicationStatus* status) {
  const ApplicationView view = ViewApplication(state, resource);
  AddOrigin(state, resource, status);
  AddConditions({view.state, view.reason, view.message, view.since}, status->mutable_conditions());
  status->set_revision(view.revision);
  status->set_state(std::string(ShownStateName(view.state)));
  status->set_clusters(view.clusters);
  status->set_clusters_ready(view.ready);
  for (const auto& [shown, count] : view.by_state) {
    (*status->mutable_clusters_by_state())[std::string(ShownStateName(shown))] = count;
  }
  if (per_cluster == PerCluster::kNo) return;
  for (const InstanceView& one : view.instances) FillInstance(one, status->add_per_cluster());
}

Judgement JudgeCluster(const HubState& state, const ResourceState& resource,
                       const ClusterState& cluster, const Judgement& applications) {
  if (!cluster.pending_uid.empty()) {
    return {ShownState::kStalled, "TargetChanged",
            absl::StrCat("it was rebuilt or moved; `lockstep cluster accept ", resource.meta().name,
                         "`"),
            cluster.last_seen};
  }
  if (!cluster.session.has_value()) {
    const bool never = cluster.last_seen == absl::InfinitePast();
    if (never && !cluster.fingerprint.has_value()) {
      return {ShownState::kPending, "Pending",
              absl::StrCat("waits for its agent; `lockstep cluster join-token ",
                           resource.meta().name, "`"),
              resource.meta().creation_time};
    }
    return {ShownState::kOffline, "Offline", "its agent is away", cluster.last_seen};
  }
  if (state.behind.agents.contains(resource.meta().name)) {
    return {ShownState::kStalled, "HubBehind",
            "its agent knows a later state than this hub, which pushes nothing; `lockstep approve "
            "--hub`",
            cluster.last_seen};
  }
  return applications;
}

void FillCluster(const HubState& state, const ResourceState& resource, v1::ClusterStatus* status) {
  const std::string& name = resource.meta().name;
  const ClusterState& cluster = state.clusters.at(name);
  AddOrigin(state, resource, status);
  Judgement worst{ShownState::kSynced, "Synced", "", resource.meta().creation_time};
  int32_t objects = 0;
  for (const auto& [application, instance] : cluster.instances) {
    const ResourceState* of = state.FindApplication(application);
    if (of == nullptr) continue;
    const InstanceView view = ViewInstance(state, *of, name, &instance);
    if (view.skipped) continue;
    status->set_applications(status->applications() + 1);
    if (view.ready()) status->set_applications_ready(status->applications_ready() + 1);
    objects += static_cast<int32_t>(view.objects);
    const absl::Time since =
        instance.report.has_value() ? instance.report->since : instance.assignment.time;
    worst.since = std::max(worst.since, since);
    if (view.state >= worst.state) continue;
    worst.state = view.state;
    worst.reason = std::string(ShownStateName(view.state));
    worst.message = view.message.empty() ? "" : absl::StrCat(application, ": ", view.message);
  }
  const Judgement verdict = JudgeCluster(state, resource, cluster, worst);
  AddConditions(verdict, status->mutable_conditions());
  status->set_state(std::string(ShownStateName(verdict.state)));
  status->set_objects(objects);
  status->set_online(cluster.session.has_value());
  const absl::Time seen = cluster.session.has_value()
                              ? cluster.session->last_heard + state.clock_ahead
                              : cluster.last_seen;
  if (seen == absl::InfinitePast()) return;
  SetTime(seen, status->mutable_last_seen());
  status->set_agent_version(cluster.agent_version);
  status->set_target(cluster.target == TargetKind::kDirectory ? "directory" : "kubernetes");
  for (const auto& [fact, value] : cluster.facts) (*status->mutable_facts())[fact] = value;
}

void FillSecret(const ResourceState& resource, v1::SecretStatus* status) {
  SetTime(resource.changed, status->mutable_last_change_time());
  if (!resource.secret.has_value()) return;
  status->clear_keys();
  for (const SealedSecret::Key& key : resource.secret->keys) {
    v1::SecretKeyInfo* info = status->add_keys();
    info->set_name(key.name);
    info->set_bytes(static_cast<int32_t>(key.bytes));
  }
}

}  // namespace

v1::Resource ToMessage(const HubState& state, const ResourceState& resource,
                       PerCluster per_cluster) {
  v1::Resource message;
  if (const auto* repository = std::get_if<GitRepository>(resource.resource.get())) {
    *message.mutable_git_repository() = ToProto(*repository);
    v1::GitRepositoryStatus* status = message.mutable_git_repository()->mutable_status();
    AddOrigin(state, resource, status);
    const auto source = state.sources.find(repository->meta.Name());
    if (source != state.sources.end()) {
      FillSource(source->second, JudgeSource(source->second, IsSuspended(resource), {}), status);
    }
  } else if (const auto* application = std::get_if<Application>(resource.resource.get())) {
    *message.mutable_application() = ToProto(*application);
    FillApplication(state, resource, per_cluster, message.mutable_application()->mutable_status());
  } else if (const auto* cluster = std::get_if<Cluster>(resource.resource.get())) {
    *message.mutable_cluster() = ToProto(*cluster);
    FillCluster(state, resource, message.mutable_cluster()->mutable_status());
  } else {
    *message.mutable_secret() = ToProto(std::get<Secret>(*resource.resource));
    FillSecret(resource, message.mutable_secret()->mutable_status());
  }
  return message;
}

v1::Resource ConfigRepositoryMessage(const HubState& state) {
  v1::Resource message;
  *message.mutable_git_repository() = ToProto(state.settings.config_repository);
  const auto source = state.sources.find(ConfigRepositoryName());
  if (source == state.sources.end()) return message;
  FillSource(source->second, JudgeSource(source->second, false, state.config),
             message.mutable_git_repository()->mutable_status());
  return message;
}

v1::GetHubResponse ToHubStatus(const HubState& state) {
  v1::GetHubResponse message;
  message.set_commit_counter(state.at.counter);
  message.set_chain_hash(std::string(state.at.chain.bytes()));
  message.set_behind(!state.behind.agents.empty());
  for (const auto& [agent, point] : state.behind.agents) message.add_behind_agents(agent);
  message.set_read_only(state.read_only);
  message.set_clusters(static_cast<int32_t>(state.clusters.size()));
  message.set_clusters_online(static_cast<int32_t>(state.sessions.size()));
  if (state.settings.has_config_repository)
    message.set_config_repository(state.settings.config_repository.spec.url);
  SetTime(state.started, message.mutable_started());
  return message;
}

}  // namespace lockstep
