#include "hub/core/outgoing.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace lockstep {
namespace {

constexpr size_t kApplicationBytes = 400;  // Of a target without its delta, roughly.
constexpr size_t kChangeBytes = 48;

// When the agent is to be sent the assignment; InfiniteFuture: not at all.
absl::Time WantedAt(const Instance& instance) {
  if (instance.assignment.generation == 0 || IsReceived(instance)) return absl::InfiniteFuture();
  const std::optional<Refusal>& refusal = instance.refusal;
  const bool refused = refusal.has_value() && refusal->generation == instance.assignment.generation;
  return refused ? refusal->retry_at : absl::InfinitePast();
}

// What a Desired would hold now. Once something goes, all goes that ever will: a hand-over between
// two applications is not torn by a refusal that is still fresh.
std::vector<const std::string*> Wanted(const ClusterState& cluster, absl::Time now) {
  std::vector<const std::string*> wanted;
  bool due = false;
  for (const auto& [name, instance] : cluster.instances) {
    const absl::Time at = WantedAt(instance);
    if (at == absl::InfiniteFuture()) continue;
    wanted.push_back(&name);
    due = due || at <= now;
  }
  if (!due) wanted.clear();
  return wanted;
}

size_t SizeOf(const BundleDelta& delta) {
  size_t bytes = delta.removed.size() * 4;
  for (const BundleDelta::Change& change : delta.changes) {
    bytes += kChangeBytes;
    if (change.position.has_value()) continue;
    bytes += change.key.group.size() + change.key.kind.size() + change.key.namespace_.size() +
             change.key.name.size();
  }
  return bytes;
}

ApplicationTarget MakeTarget(const std::string& name, const Instance& instance, DeltaCache* deltas,
                             size_t* inline_left) {
  const Assignment& assignment = instance.assignment;
  ApplicationTarget target;
  target.name = name;
  target.generation = assignment.generation;
  target.options_digest = assignment.options_digest;
  target.approved = assignment.approved;
  target.revision = assignment.revision;
  target.tombstones = assignment.tombstones;
  target.accept_foreign = assignment.accept_foreign;
  if (instance.received.generation == 0 ||
      instance.received.options_digest != assignment.options_digest) {
    target.options = EncodeOptions(assignment.options);
  }
  if (assignment.release.has_value()) {
    target.content = *assignment.release;
  } else {
    target.content = deltas->Message(instance.received.manifest, assignment.manifest, inline_left);
    target.complete = true;
  }
  return target;
}

// Whether the newest Desired under way carries the same.
bool IsUnderWay(const SessionState& session, const std::vector<const std::string*>& wanted,
                const ClusterState& cluster) {
  if (session.in_flight.empty()) return false;
  const SentDesired& last = session.in_flight.back();
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string* name) {
    const auto at = last.targets.find(*name);
    return at != last.targets.end() &&
           at->second.generation == cluster.instances.at(*name).assignment.generation;
  });
}

}  // namespace

ReceivedTarget TargetOf(const Assignment& assignment) {
  return {assignment.generation, assignment.manifest, assignment.options_digest,
          assignment.release.has_value()};
}

bool IsReceived(const Instance& instance) {
  return instance.received.generation == instance.assignment.generation &&
         instance.received.releasing == instance.releasing() &&
         (instance.releasing() ||
          (instance.received.manifest->digest() == instance.assignment.manifest->digest() &&
           instance.received.options_digest == instance.assignment.options_digest));
}

Digest RootOfTargets(const std::map<std::string, ReceivedTarget>& targets) {
  std::vector<ApplicationRoot> roots;
  roots.reserve(targets.size());
  for (const auto& [name, target] : targets) {
    if (target.generation == 0 || target.releasing) continue;
    roots.push_back({name, target.generation, target.manifest->digest(), target.options_digest});
  }
  return ClusterRoot(std::move(roots));
}

std::map<std::string, ReceivedTarget> ReceivedTargets(const ClusterState& cluster) {
  std::map<std::string, ReceivedTarget> targets;
  for (const auto& [name, instance] : cluster.instances) {
    if (instance.received.generation > 0)
      targets.emplace_hint(targets.end(), name, instance.received);
  }
  return targets;
}

std::map<std::string, ReceivedTarget> WantedTargets(const ClusterState& cluster) {
  std::map<std::string, ReceivedTarget> targets;
  for (const auto& [name, instance] : cluster.instances) {
    if (instance.assignment.generation == 0) continue;
    targets.emplace_hint(targets.end(), name, TargetOf(instance.assignment));
  }
  return targets;
}

void Deliver(Turn& turn, const std::string& cluster_name) {
  const auto at = turn.state.clusters.find(cluster_name);
  if (at == turn.state.clusters.end() || !at->second.session.has_value()) return;
  ClusterState& cluster = at->second;
  SessionState& session = *cluster.session;
  if (!session.accepted || session.probing || !turn.state.behind.agents.empty()) return;
  const std::vector<const std::string*> wanted = Wanted(cluster, turn.now);
  if (wanted.empty() || session.in_flight.size() >= kInFlightMax ||
      IsUnderWay(session, wanted, cluster)) {
    return;
  }
  Desired desired;
  desired.seq = ++cluster.desired_seq;
  desired.epoch = turn.state.epoch;
  SentDesired sent{desired.seq, turn.now, {}, Digest()};
  std::map<std::string, ReceivedTarget> after = ReceivedTargets(cluster);
  size_t bytes = 0;
  size_t inline_left = kInlineBytesMax;
  for (const std::string* name : wanted) {
    Instance& instance = cluster.instances.at(*name);
    ApplicationTarget target = MakeTarget(*name, instance, &turn.state.deltas, &inline_left);
    size_t size = kApplicationBytes + target.tombstones.size() * kChangeBytes * 2;
    const auto* delta = std::get_if<std::shared_ptr<const DeltaMessage>>(&target.content);
    if (delta != nullptr) size += SizeOf((*delta)->delta);
    if (!desired.applications.empty() && bytes + size > kDesiredBytesMax) break;
    bytes += size;
    after[*name] = sent.targets[*name] = TargetOf(instance.assignment);
    // Should the answer be lost, it is tried once more then.
    if (instance.refusal.has_value()) {
      instance.refusal->retry_at = turn.now + kRefusalRetry;
      turn.state.next_retry = std::min(turn.state.next_retry, instance.refusal->retry_at);
    }
    desired.applications.push_back(std::move(target));
  }
  desired.cluster_root = sent.root = RootOfTargets(after);
  session.in_flight.push_back(std::move(sent));
  turn.Send(session.id, std::move(desired));
}

void RetryRefused(Turn& turn) {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [id, name] : turn.state.sessions) {
    for (const auto& [application, instance] : turn.state.clusters.at(name).instances) {
      if (!instance.refusal.has_value()) continue;
      if (instance.refusal->retry_at <= turn.now) {
        turn.deliver.insert(name);
      } else {
        next = std::min(next, instance.refusal->retry_at);
      }
    }
  }
  turn.state.next_retry = next;
}

}  // namespace lockstep
