#include "hub/rollup/rollup.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/text/count.h"
#include "hub/core/instances.h"
#include "hub/core/outgoing.h"
#include "hub/core/sources.h"
#include "hub/fleet/placement.h"

namespace lockstep {
namespace {

const ApplicationSpec& SpecOf(const ResourceState& application) {
  return std::get<Application>(*application.resource).spec;
}

// REF@sha1:COMMIT of what was rendered last; a newer one may be under way.
std::string RenderedRevision(const SourceState* source) {
  if (source == nullptr || source->rendered.empty()) return "";
  if (source->rendered == source->commit) return source->revision;
  return absl::StrCat(source->revision.substr(0, source->revision.find('@')),
                      "@sha1:", source->rendered);
}

const SourceState* SourceOf(const HubState& state, const ResourceState& application) {
  const auto at = state.sources.find(SpecOf(application).source);
  return at == state.sources.end() ? nullptr : &at->second;
}

ShownState Shown(ApplicationState state) {
  switch (state) {
    case ApplicationState::kProgressing:
      return ShownState::kProgressing;
    case ApplicationState::kSynced:
      return ShownState::kSynced;
    case ApplicationState::kHeld:
      return ShownState::kHeld;
    case ApplicationState::kStalled:
      return ShownState::kStalled;
    case ApplicationState::kSuspended:
      return ShownState::kSuspended;
    case ApplicationState::kDegraded:
      return ShownState::kDegraded;
    case ApplicationState::kReleased:
    case ApplicationState::kDeleting:
      return ShownState::kDeleting;
  }
  return ShownState::kUnknown;
}

// What one instance is judged by.
struct Case {
  const HubState& state;
  const ResourceState& application;
  const std::string name;  // NAMESPACE/NAME.
  const ClusterState& cluster;
  const Instance& instance;
};

void Say(InstanceView* view, ShownState state, std::string message) {
  view->state = state;
  view->message = std::move(message);
}

std::string ApproveHint(const Case& c) {
  return absl::StrCat("see `lockstep diff`, then `lockstep approve ", c.name, "`");
}

bool WasEverThere(const Case& c) {
  return c.cluster.session.has_value() || c.cluster.last_seen != absl::InfinitePast();
}

void SayAway(const Case& c, InstanceView* view) {
  if (!WasEverThere(c)) {
    Say(view, ShownState::kPending, "waits for its agent");
    return;
  }
  std::string message = absl::StrCat(
      "its agent is away since ",
      absl::FormatTime("%Y-%m-%d %H:%M:%SZ", c.cluster.last_seen, absl::UTCTimeZone()));
  if (c.instance.report.has_value()) {
    absl::StrAppend(&message, "; it last said ", std::string(StateName(c.instance.report->state)));
  }
  Say(view, ShownState::kOffline, std::move(message));
}

void SayGoing(const Case& c, InstanceView* view) {
  std::string message;
  if (!c.instance.refused.empty()) {
    message = c.instance.refused;
  } else if (!c.cluster.session.has_value()) {
    message = "waits for its agent, which is away";
  } else if (view->held > 0) {
    message = absl::StrCat("to be deleted: ", Counted(view->held, "object"), "; ", ApproveHint(c));
  }
  Say(view, ShownState::kDeleting, std::move(message));
}

// After a hub that had lost state was approved: what has to be fetched before anything is sent, and
// why it is not.
void SayUnconfirmed(const Case& c, InstanceView* view) {
  NamespacedName name = SpecOf(c.application).source;
  const auto config = c.state.sources.find(ConfigRepositoryName());
  if (config != c.state.sources.end() && config->second.unconfirmed) name = ConfigRepositoryName();
  const absl::Status& error = c.state.sources.at(name).error;
  const ResourceState* repository =
      c.state.FindResource({ResourceKind::kGitRepository, name.namespace_, name.name});
  std::string why;
  if (!error.ok()) {
    why = absl::StrCat(": ", std::string(error.message()));
  } else if (repository != nullptr && IsSuspended(*repository)) {
    why = ": it is suspended; `lockstep resume` it";
  }
  Say(view, why.empty() ? ShownState::kProgressing : ShownState::kStalled,
      absl::StrCat("the hub had lost state and was approved: nothing is sent until GitRepository ",
                   name.ToString(), " was fetched again", why));
}

// What it is to be follows from a repository that was never fetched; why it was not.
void SayUnfetched(const Case& c, const SourceState& source, InstanceView* view) {
  const NamespacedName& name = SpecOf(c.application).source;
  const ResourceState* repository =
      c.state.FindResource({ResourceKind::kGitRepository, name.namespace_, name.name});
  const std::string what = absl::StrCat("GitRepository ", name.ToString(), " was not fetched yet");
  if (!source.error.ok()) {
    Say(view, ShownState::kStalled,
        absl::StrCat(what, ": ", std::string(source.error.message()), "; what ran goes on"));
  } else if (repository != nullptr && IsSuspended(*repository)) {
    Say(view, ShownState::kStalled,
        absl::StrCat(what, ": it is suspended; `lockstep resume` it; what ran goes on"));
  } else {
    Say(view, ShownState::kProgressing, what);
  }
}

// What the hub itself has against it; false for nothing.
bool SayTrouble(const Case& c, InstanceView* view) {
  const SourceState* source = SourceOf(c.state, c.application);
  if (source == nullptr) {
    Say(view, ShownState::kStalled,
        absl::StrCat("SourceNotFound: there is no GitRepository ",
                     SpecOf(c.application).source.ToString(), "; what ran goes on"));
  } else if (source->commit.empty() && !c.instance.assignment.unconfirmed) {
    SayUnfetched(c, *source, view);
  } else if (!c.instance.error.empty()) {
    Say(view, ShownState::kStalled, c.instance.error);
  } else if (c.instance.assignment.unconfirmed) {
    SayUnconfirmed(c, view);
  } else if (!c.instance.refused.empty()) {
    Say(view, ShownState::kStalled, c.instance.refused);
  } else if (c.instance.refusal.has_value() &&
             c.instance.refusal->generation == c.instance.assignment.generation) {
    Say(view, ShownState::kStalled,
        absl::StrCat("its agent refused it: ", c.instance.refusal->message));
  } else if (!c.cluster.pending_uid.empty()) {
    Say(view, ShownState::kStalled,
        absl::StrCat("the cluster was rebuilt or moved; `lockstep cluster accept ", view->cluster,
                     "`"));
  } else {
    return false;
  }
  return true;
}

void SayReport(const Case& c, InstanceView* view) {
  const Instance& instance = c.instance;
  const bool suspended = IsSuspended(c.state, c.application, view->cluster);
  if (instance.assignment.generation == 0 || (instance.input.IsZero() && !suspended)) {
    Say(view, ShownState::kProgressing, "is being rendered");
  } else if (c.cluster.session->probing) {
    Say(view, ShownState::kProgressing, "its agent is asked what it holds");
  } else if (!instance.report.has_value()) {
    Say(view, IsReceived(instance) ? ShownState::kUnknown : ShownState::kProgressing,
        IsReceived(instance) ? "its agent has not said anything yet" : "");
  } else if (!IsReceived(instance) || !IsReported(instance)) {
    Say(view, ShownState::kProgressing,
        !c.state.behind.agents.empty()
            ? "the hub is behind its agents and pushes nothing; `lockstep approve --hub`"
            : "");
  } else {
    Say(view, Shown(instance.report->state), instance.report->message);
    if (view->state == ShownState::kHeld) absl::StrAppend(&view->message, "; ", ApproveHint(c));
  }
  if (suspended &&
      (view->state == ShownState::kProgressing || view->state == ShownState::kUnknown)) {
    Say(view, ShownState::kSuspended, "its agent has not acknowledged the suspension yet");
  }
}

void FillNumbers(const Case& c, InstanceView* view) {
  const Instance& instance = c.instance;
  view->desired_generation = instance.assignment.generation;
  view->observed_at = instance.observed_at;
  view->fresh = c.cluster.session.has_value();
  if (!instance.report.has_value()) return;
  const ApplicationReport& report = *instance.report;
  view->generation = report.generation;
  view->objects = report.objects;
  view->held = static_cast<uint32_t>(report.held.size());
  const size_t shown = std::min(report.held.size(), kHeldShownMax);
  view->held_objects.assign(report.held.begin(),
                            report.held.begin() + static_cast<std::ptrdiff_t>(shown));
  view->orphans = static_cast<uint32_t>(report.orphans.size());
  if (!IsReported(instance)) {
    view->revision = instance.before_revision;
  } else if (!instance.error.empty() || instance.waiting.has_value() || instance.releasing() ||
             instance.input.IsZero()) {
    view->revision = instance.assignment.revision;
  } else {
    view->revision = RenderedRevision(SourceOf(c.state, c.application));
  }
}

bool IsSkipped(const Instance& instance) {
  if (!instance.missing_path || !instance.error.empty() || instance.waiting.has_value() ||
      instance.input.IsZero()) {
    return false;
  }
  if (instance.assignment.generation == 0) return true;
  return instance.assignment.missing_path && IsReported(instance) &&
         instance.report->objects == 0 && instance.report->held.empty();
}

}  // namespace

absl::string_view ShownStateName(ShownState state) {
  switch (state) {
    case ShownState::kStalled:
      return "Stalled";
    case ShownState::kDegraded:
      return "Degraded";
    case ShownState::kHeld:
      return "Held";
    case ShownState::kOffline:
      return "Offline";
    case ShownState::kUnknown:
      return "Unknown";
    case ShownState::kDeleting:
      return "Deleting";
    case ShownState::kPending:
      return "Pending";
    case ShownState::kProgressing:
      return "Progressing";
    case ShownState::kOutOfSync:
      return "OutOfSync";
    case ShownState::kSuspended:
      return "Suspended";
    case ShownState::kSynced:
      return "Synced";
  }
  return "Unknown";
}

InstanceView ViewInstance(const HubState& state, const ResourceState& application,
                          absl::string_view cluster, const Instance* instance) {
  InstanceView view;
  view.cluster = std::string(cluster);
  const auto on = state.clusters.find(view.cluster);
  if (instance == nullptr || on == state.clusters.end()) {
    Say(&view, ShownState::kPending, "there is no such Cluster yet");
    return view;
  }
  const Case c{state, application, application.meta().Name().ToString(), on->second, *instance};
  FillNumbers(c, &view);
  view.skipped = instance->placed && IsSkipped(*instance);
  if (!instance->placed || instance->releasing()) {
    SayGoing(c, &view);
  } else if (!SayTrouble(c, &view)) {
    if (c.cluster.session.has_value()) {
      SayReport(c, &view);
    } else {
      SayAway(c, &view);
    }
  }
  return view;
}

ApplicationView ViewApplication(const HubState& state, const ResourceState& application) {
  ApplicationView view;
  const std::string name = application.meta().Name().ToString();
  view.revision = RenderedRevision(SourceOf(state, application));
  view.since = application.meta().creation_time;
  const auto places = state.places.find(name);
  if (places != state.places.end()) {
    for (const std::string& cluster : places->second) {
      const Instance& instance = state.clusters.at(cluster).instances.at(name);
      InstanceView one = ViewInstance(state, application, cluster, &instance);
      if (one.skipped) continue;
      const absl::Time since =
          instance.report.has_value() ? instance.report->since : instance.assignment.time;
      view.since = std::max(view.since, since);
      view.instances.push_back(std::move(one));
    }
  }
  for (const std::string& named : SpecOf(application).placement.clusters) {
    if (!application.going && !state.clusters.contains(named)) {
      view.instances.push_back(ViewInstance(state, application, named, nullptr));
    }
  }
  std::sort(view.instances.begin(), view.instances.end(),
            [](const InstanceView& a, const InstanceView& b) { return a.cluster < b.cluster; });
  const InstanceView* worst = nullptr;
  for (const InstanceView& one : view.instances) {
    ++view.clusters;
    ++view.by_state[one.state];
    if (one.ready()) ++view.ready;
    if (worst == nullptr || one.state < worst->state) worst = &one;
  }
  if (application.going) {
    view.state = ShownState::kDeleting;
  } else if (SourceOf(state, application) == nullptr) {
    view.state = ShownState::kStalled;
    view.message = absl::StrCat("there is no GitRepository ", SpecOf(application).source.ToString(),
                                "; what ran goes on");
  } else if (worst != nullptr) {
    view.state = worst->state;
  } else {
    view.state = ShownState::kPending;
    view.message = "no cluster is selected by its placement";
  }
  view.reason = std::string(ShownStateName(view.state));
  if (SourceOf(state, application) == nullptr && !application.going) view.reason = "SourceNotFound";
  if (view.message.empty() && worst != nullptr && !worst->message.empty()) {
    view.message = absl::StrCat(worst->cluster, ": ", worst->message);
    const int others = view.by_state[worst->state] - 1;
    if (others > 0) absl::StrAppend(&view.message, " (and ", others, " more)");
  }
  return view;
}

}  // namespace lockstep
