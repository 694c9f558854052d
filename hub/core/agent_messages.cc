#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "hub/core/instances.h"
#include "hub/core/outgoing.h"
#include "hub/core/sessions.h"

namespace lockstep {
namespace {

// Where a message came from: the session is there.
struct From {
  const std::string& name;  // The cluster.
  ClusterState& cluster;
  SessionState& session;
};

ManifestPtr FindManifest(const Instance& instance, const Digest& digest) {
  if (digest.IsZero()) return EmptyManifest();
  const ManifestPtr waiting = instance.waiting.has_value() ? instance.waiting->manifest : nullptr;
  for (const ManifestPtr& known :
       {instance.received.manifest, instance.assignment.manifest, instance.before, waiting}) {
    if (known != nullptr && known->digest() == digest) return known;
  }
  return nullptr;
}

void TakeTargets(Turn& turn, const From& from, const SentDesired& sent,
                 const std::vector<ApplicationAck>& refused) {
  for (const auto& [name, target] : sent.targets) {
    const auto at = from.cluster.instances.find(name);
    const bool taken =
        std::none_of(refused.begin(), refused.end(),
                     [&, &name = name](const ApplicationAck& ack) { return ack.name == name; });
    if (at == from.cluster.instances.end() || !taken) continue;
    Instance& instance = at->second;
    instance.received = target;
    turn.TouchStatus(from.name, name);
    if (instance.assignment.generation != target.generation) continue;
    instance.refusal.reset();
    if (instance.assignment.tombstones.empty()) continue;
    instance.assignment.tombstones.clear();  // The agent keeps them now.
    turn.TouchAssignment(from.name, name);
  }
  from.cluster.received_root = RootOfTargets(ReceivedTargets(from.cluster));
}

void TakeRefusal(Turn& turn, const From& from, const ApplicationAck& ack) {
  const auto at = from.cluster.instances.find(ack.name);
  if (at == from.cluster.instances.end() || at->second.assignment.generation != ack.generation)
    return;
  Instance& instance = at->second;
  const bool is_new = !instance.refusal.has_value() ||
                      instance.refusal->generation != ack.generation ||
                      instance.refusal->message != ack.message;
  instance.refusal = Refusal{ack.generation, ack.code, ack.message,
                             ack.retryable ? turn.now + kRefusalRetry : absl::InfiniteFuture()};
  turn.state.next_retry = std::min(turn.state.next_retry, instance.refusal->retry_at);
  turn.Notify();
  if (!is_new) return;
  turn.Record(
      {.warning = true,
       .reason = "TargetRefused",
       .message = absl::StrCat("the agent refused generation ", ack.generation, ": ", ack.message),
       .about = ApplicationKey(ack.name),
       .cluster = from.name,
       .by = from.name});
}

// Of several messages under way the agent may have taken an older one, after which the newer ones,
// made from what it had before, did not fit. Its root says so.
bool TakeOlder(Turn& turn, const From& from, const std::vector<SentDesired>& answered,
               const Digest& root) {
  for (size_t i = answered.size(); i-- > 0;) {
    if (answered[i].root != root) continue;
    TakeTargets(turn, from, answered[i], {});
    return true;
  }
  return false;
}

// Nothing became durable and something is refused: the whole message that holds it was (a full
// disk, blobs that could not be fetched). It is under way no longer.
void TakeWholeRefusal(Turn& turn, const From& from, const Ack& ack) {
  // A message that only came at the wrong time is answered like this too; what is newer is under
  // way then.
  const auto lasts = [](const ApplicationAck& refused) {
    return !refused.retryable || refused.code == ApplicationAck::Code::kNoSpace;
  };
  if (std::none_of(ack.refused.begin(), ack.refused.end(), lasts)) return;
  std::deque<SentDesired>& in_flight = from.session.in_flight;
  const auto refuses = [&](const SentDesired& sent) {
    return std::any_of(ack.refused.begin(), ack.refused.end(), [&](const ApplicationAck& refused) {
      const auto target = sent.targets.find(refused.name);
      return target != sent.targets.end() && target->second.generation == refused.generation;
    });
  };
  const auto newest = std::find_if(in_flight.rbegin(), in_flight.rend(), refuses);
  if (newest == in_flight.rend()) return;
  in_flight.erase(in_flight.begin(), newest.base());
  for (const ApplicationAck& refused : ack.refused) TakeRefusal(turn, from, refused);
}

// Whether a root can be compared: of what the hub cannot name it knows no root. That is told anew
// as soon as something may be sent.
bool KnowsRoot(const ClusterState& cluster) {
  return std::none_of(cluster.instances.begin(), cluster.instances.end(),
                      [](const auto& entry) { return HoldsUnknown(entry.second); });
}

void On(Turn& turn, const From& from, const Ack& ack) {
  std::deque<SentDesired>& in_flight = from.session.in_flight;
  std::vector<SentDesired> answered;
  while (!in_flight.empty() && in_flight.front().seq <= ack.received_through) {
    answered.push_back(std::move(in_flight.front()));
    in_flight.pop_front();
  }
  if (!answered.empty()) {
    TakeTargets(turn, from, answered.back(), ack.refused);
    const bool older = from.cluster.received_root != ack.cluster_root &&
                       TakeOlder(turn, from, answered, ack.cluster_root);
    // What is still under way was made from what the agent had before, and will be refused.
    in_flight.clear();
    DropReleased(turn, from.name);
    for (const ApplicationAck& refused : ack.refused) {
      if (!older || !refused.retryable) TakeRefusal(turn, from, refused);
    }
    turn.Notify();
  } else if (!ack.refused.empty()) {
    TakeWholeRefusal(turn, from, ack);
  }
  turn.deliver.insert(from.name);
  const bool differs = in_flight.empty() && ack.cluster_root != from.cluster.received_root &&
                       KnowsRoot(from.cluster);
  from.session.root_differs_since = differs ? turn.now : absl::InfiniteFuture();
}

void On(Turn& turn, const From& from, const Beat& beat) {
  SessionState& session = from.session;
  session.root_prefix = beat.root_prefix;
  const bool same =
      from.cluster.received_root.bytes().substr(0, beat.root_prefix.size()) == beat.root_prefix;
  if (same || !session.in_flight.empty() || !session.accepted || session.probing ||
      !KnowsRoot(from.cluster)) {
    session.root_differs_since = absl::InfiniteFuture();
  } else {
    session.root_differs_since = std::min(session.root_differs_since, turn.now);
  }
}

// The agent has something that this hub never assigned: it is to let go of it and keep the objects.
void ReleaseUnknown(Turn& turn, const From& from, const HeldApplication& held) {
  Instance& instance = AddInstance(turn, from.name, held.name);
  instance.placed = false;
  instance.received = {held.generation, EmptyManifest(), held.options_digest, held.releasing};
  turn.TouchStatus(from.name, held.name);
  Assignment next;
  next.release = ReleaseObjects::kOrphan;
  Assign(turn, from.name, held.name, instance, std::move(next), "hub");
}

void TakeHeld(Turn& turn, const From& from, const HeldApplication& held) {
  const auto at = from.cluster.instances.find(held.name);
  if (at == from.cluster.instances.end()) {
    const auto left = from.cluster.left.find(held.name);
    const bool known = held.releasing && left != from.cluster.left.end() &&
                       left->second.generation == held.generation;
    if (!known) ReleaseUnknown(turn, from, held);
    return;
  }
  Instance& instance = at->second;
  const ManifestPtr manifest = FindManifest(instance, held.manifest);
  instance.received = {held.generation, manifest == nullptr ? EmptyManifest() : manifest,
                       manifest == nullptr ? Digest() : held.options_digest, held.releasing};
  turn.TouchStatus(from.name, held.name);
  if (instance.assignment.generation == 0) return;  // Its first assignment will start above.
  const bool ahead = held.generation > instance.assignment.generation;
  const bool fork = held.generation == instance.assignment.generation &&
                    ((manifest == nullptr && !held.releasing) || !IsReceived(instance));
  if (!ahead && !fork) return;
  // What a person once allowed was allowed in a history that is lost: it is not allowed again.
  Assignment& assignment = instance.assignment;
  assignment.approved.reset();
  assignment.tombstones.clear();
  assignment.accept_foreign = false;
  if (assignment.release.has_value()) assignment.release = ReleaseObjects::kOrphan;
  Assign(turn, from.name, held.name, instance, Assignment(assignment), "hub");
}

// What the agent has nothing left of.
void ForgetLeft(Turn& turn, const From& from, const std::set<std::string>& told) {
  std::erase_if(from.cluster.left, [&](const auto& left) {
    if (told.contains(left.first)) return false;
    turn.TouchStatus(from.name, left.first);
    return true;
  });
}

// What an agent said of an application before this hub knew of it was passed over: it says it
// again.
void AskForUnheard(Turn& turn, const From& from) {
  const bool unheard = std::any_of(
      from.cluster.instances.begin(), from.cluster.instances.end(), [](const auto& entry) {
        const Instance& instance = entry.second;
        return instance.received.generation > 0 &&
               (!instance.report.has_value() ||
                instance.report->generation != instance.received.generation);
      });
  if (unheard) turn.Send(from.session.id, Command{++turn.state.command_id, Command::Report{}});
}

void On(Turn& turn, const From& from, const Pages& pages) {
  if (!from.session.accepted) return;
  std::set<std::string> told;
  for (const HeldApplication& held : pages.applications) {
    told.insert(held.name);
    TakeHeld(turn, from, held);
  }
  std::vector<std::string> gone;
  for (auto& [name, instance] : from.cluster.instances) {
    if (told.contains(name)) continue;
    if (instance.releasing()) gone.push_back(name);
    if (instance.received.generation == 0) continue;
    instance.received = {};
    turn.TouchStatus(from.name, name);
  }
  for (const std::string& name : gone) {
    from.cluster.instances.at(name).report.reset();
    DropInstance(turn, from.name, name);
    SyncPlace(turn, name, from.name);
  }
  ForgetLeft(turn, from, told);
  DropReleased(turn, from.name);
  AskForUnheard(turn, from);
  from.cluster.received_root = RootOfTargets(ReceivedTargets(from.cluster));
  from.session.probing = false;
  from.session.in_flight.clear();
  from.session.root_differs_since = absl::InfiniteFuture();
  turn.deliver.insert(from.name);
}

bool IsWarning(ApplicationState state) {
  return state == ApplicationState::kStalled || state == ApplicationState::kDegraded ||
         state == ApplicationState::kHeld;
}

void RecordTransition(Turn& turn, const From& from, const std::optional<ApplicationReport>& before,
                      const ApplicationReport& report) {
  if (report.state == ApplicationState::kProgressing) return;
  if (report.state == ApplicationState::kReleased) return;  // Told by DropReleased.
  if (before.has_value() && before->state == report.state && before->reason == report.reason &&
      before->held == report.held) {
    return;
  }
  std::string message(StateName(report.state));
  if (!report.message.empty()) absl::StrAppend(&message, ": ", report.message);
  turn.Record({.warning = IsWarning(report.state),
               .reason = std::string(StateName(report.state)),
               .message = std::move(message),
               .about = ApplicationKey(report.name),
               .cluster = from.name,
               .by = from.name});
}

// Whether the agent went through the whole application; it may not have succeeded with all of it.
bool WasApplied(ApplicationState state) {
  return state == ApplicationState::kSynced || state == ApplicationState::kHeld ||
         state == ApplicationState::kDegraded;
}

// What was given along with the assignment and is used up, or names another list than the agent now
// has.
void SpendGrants(Turn& turn, const From& from, const ApplicationReport& report,
                 Instance& instance) {
  Assignment& assignment = instance.assignment;
  if (!IsReported(instance)) return;
  const bool approval_spent =
      assignment.approved.has_value() && KeyListDigest(report.held) != *assignment.approved;
  const bool foreign_spent = assignment.accept_foreign && WasApplied(report.state);
  if (!approval_spent && !foreign_spent) return;
  if (approval_spent) assignment.approved.reset();
  if (foreign_spent) assignment.accept_foreign = false;
  turn.TouchAssignment(from.name, report.name);
}

// An agent cannot make the hub keep more than kLeftPerClusterMax of what nobody declares.
bool MayBringUnknown(Turn& turn, const From& from, const std::string& application) {
  const size_t declared = turn.state.resources.size();  // At most.
  if (from.cluster.instances.size() < declared + kLeftPerClusterMax) return true;
  turn.Record({.warning = true,
               .reason = "TooManyUnknown",
               .message = absl::StrCat(application, " is not looked after: ", from.name,
                                       " reports more than ", kLeftPerClusterMax,
                                       " applications that nobody declares"),
               .about = ApplicationKey(application),
               .cluster = from.name,
               .by = from.name});
  return false;
}

void TakeReport(Turn& turn, const From& from, const ApplicationReport& report) {
  const auto at = from.cluster.instances.find(report.name);
  if (at == from.cluster.instances.end()) {
    // Forgotten here, while the agent was away: no root shows what goes. Else its last words. It is
    // told once its target is accepted; a hub that is behind will ask for all.
    const bool goes =
        report.state == ApplicationState::kDeleting || report.state == ApplicationState::kHeld;
    const bool listens = from.session.accepted || turn.state.behind.agents.empty();
    if (goes && listens && MayBringUnknown(turn, from, report.name)) {
      ReleaseUnknown(turn, from, {report.name, report.generation, report.manifest, Digest(), true});
      turn.deliver.insert(from.name);
    }
    if (report.state == ApplicationState::kReleased) NoteLeft(turn, from.name, report);
    return;
  }
  Instance& instance = at->second;
  // Placed again and not assigned yet: that was the one before.
  const bool before = instance.assignment.generation == 0;
  if (before && report.state == ApplicationState::kReleased) {
    // Kept for what it says of orphans, should the instance go unassigned.
    if (instance.report.has_value()) {
      instance.report = report;
      turn.TouchStatus(from.name, report.name);
    }
    return;
  }
  RecordTransition(turn, from, instance.report, report);
  instance.report = report;
  instance.observed_at = turn.wall();
  turn.TouchStatus(from.name, report.name);
  SpendGrants(turn, from, report, instance);
}

void ForgetUnreported(Turn& turn, const From& from, const StatusReport& status) {
  std::set<std::string> told;
  for (const ApplicationReport& report : status.applications) told.insert(report.name);
  for (auto& [name, instance] : from.cluster.instances) {
    if (told.contains(name) || !instance.report.has_value()) continue;
    instance.report.reset();
    turn.TouchStatus(from.name, name);
  }
  ForgetLeft(turn, from, told);
}

void RecordDrift(Turn& turn, const From& from, const DriftReport& drift) {
  const bool deleted = drift.kind == DriftReport::Kind::kDeleted;
  std::string message =
      absl::StrCat(drift.key.ToString(), " was ", deleted ? "deleted" : "changed", " by others");
  for (size_t i = 0; i < drift.fields.size(); ++i)
    absl::StrAppend(&message, i == 0 ? " (" : ", ", drift.fields[i]);
  if (!drift.fields.empty()) absl::StrAppend(&message, ")");
  absl::StrAppend(&message, " and put back within ",
                  absl::FormatDuration(absl::Ceil(drift.restored_in, absl::Milliseconds(1))));
  turn.Record({.reason = "DriftReverted",
               .message = std::move(message),
               .about = ApplicationKey(drift.application),
               .cluster = from.name,
               .by = from.name});
}

void On(Turn& turn, const From& from, const StatusReport& status) {
  ClusterState& cluster = from.cluster;
  const bool again = status.seq <= cluster.status_seq;
  if (!again) {
    const bool gap = !status.full && status.seq != cluster.status_seq + 1;
    for (const ApplicationReport& report : status.applications) TakeReport(turn, from, report);
    DropReleased(turn, from.name);
    if (status.full) ForgetUnreported(turn, from, status);
    for (const DriftReport& drift : status.drifts) RecordDrift(turn, from, drift);
    cluster.status_seq = status.seq;
    turn.TouchAgent(from.name);
    turn.Notify();
    if (gap) turn.Send(from.session.id, Command{++turn.state.command_id, Command::Report{}});
  }
  from.session.status_unacked = true;
  turn.state.next_status_ack = std::min(turn.state.next_status_ack, turn.now + kStatusAckGather);
}

}  // namespace

void OnAgentSaid(Turn& turn, const event::AgentSaid& said) {
  const auto session = turn.state.sessions.find(said.session);
  if (session == turn.state.sessions.end()) return;
  const std::string name = session->second;
  ClusterState& cluster = turn.state.clusters.at(name);
  cluster.session->last_heard = turn.now;
  const From from{name, cluster, *cluster.session};
  std::visit([&](const auto& message) { On(turn, from, message); }, said.message);
}

void AckStatuses(Turn& turn) {
  turn.state.next_status_ack = absl::InfiniteFuture();
  // By name, not by session: the same events have the same effects, in the same order.
  for (auto& [name, cluster] : turn.state.clusters) {
    if (!cluster.session.has_value()) continue;
    if (!std::exchange(cluster.session->status_unacked, false)) continue;
    turn.Send(cluster.session->id, StatusAck{cluster.status_seq});
  }
}

}  // namespace lockstep
