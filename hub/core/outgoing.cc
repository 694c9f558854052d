#include "hub/core/outgoing.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hub/core/outgoing_groups.h"

namespace lockstep {
namespace {

constexpr size_t kApplicationBytes = 400;  // Of a target without its delta, roughly.
constexpr size_t kReferenceBytes = 120;    // To a document.
constexpr size_t kTombstoneBytes = 16;     // Of a key, besides its names.

// One target, as it is about to be sent.
struct Parcel {
  const std::string* name = nullptr;
  std::optional<std::string> options;  // Encoded; absent where the agent has them.
  size_t header_bytes = 0;
  size_t delta_bytes = 0;
  bool is_due = false;       // Else it goes along, should there be room.
  bool in_document = false;  // The delta; else in the message.

  size_t message_bytes() const {
    return header_bytes + (in_document ? kReferenceBytes : delta_bytes);
  }
  size_t document_bytes() const { return in_document ? delta_bytes : 0; }
};

// Together in one message.
struct Load {
  size_t message_bytes = 0;
  size_t document_bytes = 0;
  bool is_due = false;

  void Add(const Parcel& parcel) {
    message_bytes += parcel.message_bytes();
    document_bytes += parcel.document_bytes();
    is_due |= parcel.is_due;
  }
  void Add(const Load& other) {
    message_bytes += other.message_bytes;
    document_bytes += other.document_bytes;
  }
  bool Fits(const DeliveryLimits& limits) const {
    return message_bytes <= limits.desired_bytes && document_bytes <= kDocumentBytesMax;
  }
};

// When the agent is to be sent the assignment; InfiniteFuture: not at all.
absl::Time WantedAt(const Instance& instance) {
  if (instance.assignment.generation == 0 || instance.assignment.unconfirmed ||
      IsReceived(instance)) {
    return absl::InfiniteFuture();
  }
  const std::optional<Refusal>& refusal = instance.refusal;
  const bool refused = refusal.has_value() && refusal->generation == instance.assignment.generation;
  return refused ? refusal->retry_at : absl::InfinitePast();
}

const ManifestPtr& WantedManifest(const Instance& instance) {
  return instance.releasing() ? EmptyManifest() : instance.assignment.manifest;
}

size_t SizeOf(const std::vector<ObjectKey>& tombstones) {
  size_t bytes = 0;
  for (const ObjectKey& key : tombstones) {
    bytes += kTombstoneBytes + key.group.size() + key.kind.size() + key.namespace_.size() +
             key.name.size();
  }
  return bytes;
}

// Whether the agent may hold deletes of it that wait: for a person, for the end of a suspension,
// for what fails. This message may set them going.
bool MayHoldDeletes(const Instance& instance) {
  const std::optional<ApplicationReport>& report = instance.report;
  if (instance.received.generation == 0) return false;
  return !report.has_value() || report->generation != instance.received.generation ||
         (report->state != ApplicationState::kSynced &&
          report->state != ApplicationState::kDegraded);
}

TargetMoves MovesOf(const Instance& instance, DeltaCache* deltas) {
  const ReceivedTarget& received = instance.received;
  const Manifest& wanted = *WantedManifest(instance);
  TargetMoves moves;
  moves.loses = deltas->Moves(*received.manifest, wanted);
  // What was being let go of claims nothing at the agent: all of it comes anew.
  moves.gains = received.releasing ? deltas->Moves(*EmptyManifest(), wanted) : moves.loses;
  for (const ObjectKey& key : instance.assignment.tombstones) moves.named.push_back(HashOfKey(key));
  // A release with deletes takes all that the application ever left there.
  const bool deletes_all = instance.assignment.release == ReleaseObjects::kDelete;
  moves.may_lose_anything = HoldsUnknown(instance) || deletes_all || MayHoldDeletes(instance);
  return moves;
}

// Takes out of `wanted` what would give up an object that an unconfirmed assignment names: it goes
// once Git confirmed or replaced that one, since a tombstone never goes before who claims its
// object.
void HoldBackTorn(const ClusterState& cluster, DeltaCache* deltas,
                  std::vector<const std::string*>* wanted) {
  std::vector<TargetMoves> moves;
  for (const auto& [name, instance] : cluster.instances) {
    if (!instance.assignment.unconfirmed || IsReceived(instance)) continue;
    TargetMoves claims = MovesOf(instance, deltas);
    claims.loses = std::make_shared<const KeyMoves>();  // It is not sent.
    claims.named.clear();
    claims.may_lose_anything = false;
    moves.push_back(std::move(claims));
  }
  const size_t unconfirmed = moves.size();
  if (unconfirmed == 0 || wanted->empty()) return;
  for (const std::string* name : *wanted)
    moves.push_back(MovesOf(cluster.instances.at(*name), deltas));
  const std::vector<size_t> group_of = HandOverGroups(moves);
  const auto end_of_unconfirmed = group_of.begin() + static_cast<ptrdiff_t>(unconfirmed);
  std::vector<const std::string*> kept;
  for (size_t i = 0; i < wanted->size(); ++i) {
    const size_t group = group_of[unconfirmed + i];
    if (std::find(group_of.begin(), end_of_unconfirmed, group) == end_of_unconfirmed)
      kept.push_back((*wanted)[i]);
  }
  *wanted = std::move(kept);
}

// What a Desired would hold now. Once something goes, all goes that ever will: a hand-over between
// two applications is not torn by a refusal that is still fresh.
std::vector<const std::string*> Wanted(const ClusterState& cluster, absl::Time now,
                                       DeltaCache* deltas) {
  std::vector<const std::string*> wanted;
  for (const auto& [name, instance] : cluster.instances) {
    if (WantedAt(instance) != absl::InfiniteFuture()) wanted.push_back(&name);
  }
  HoldBackTorn(cluster, deltas, &wanted);
  const bool due = std::any_of(wanted.begin(), wanted.end(), [&](const std::string* name) {
    return WantedAt(cluster.instances.at(*name)) <= now;
  });
  if (!due) wanted.clear();
  return wanted;
}

bool NeedsOptions(const Instance& instance) {
  return instance.received.generation == 0 ||
         instance.received.options_digest != instance.assignment.options_digest;
}

ApplicationTarget MakeTarget(const Parcel& parcel, const Instance& instance, DeltaCache* deltas,
                             size_t* inline_left) {
  const Assignment& assignment = instance.assignment;
  ApplicationTarget target;
  target.name = *parcel.name;
  target.generation = assignment.generation;
  target.options_digest = assignment.options_digest;
  target.approved = assignment.approved;
  target.revision = assignment.revision;
  target.tombstones = assignment.tombstones;
  target.accept_foreign = assignment.accept_foreign;
  target.options = parcel.options;
  if (assignment.release.has_value()) {
    target.content = *assignment.release;
  } else if (parcel.in_document) {
    target.content = deltas->Document(*instance.received.manifest, *assignment.manifest,
                                      std::exchange(target.tombstones, {}));
    target.complete = true;
  } else {
    target.content = deltas->Message(instance.received.manifest, assignment.manifest, inline_left);
    target.complete = true;
  }
  return target;
}

Parcel Weigh(const std::string& name, const Instance& instance, const DeliveryLimits& limits,
             DeltaCache* deltas) {
  const Assignment& assignment = instance.assignment;
  Parcel parcel;
  parcel.name = &name;
  parcel.header_bytes = kApplicationBytes;
  if (NeedsOptions(instance)) {
    parcel.options = EncodeOptions(assignment.options);
    parcel.header_bytes += parcel.options->size();
  }
  const size_t tombstones = SizeOf(assignment.tombstones);
  if (instance.releasing()) {
    parcel.header_bytes += tombstones;
    return parcel;
  }
  parcel.delta_bytes =
      deltas->WireBytes(*instance.received.manifest, *assignment.manifest) + tombstones;
  parcel.in_document = parcel.delta_bytes > limits.delta_bytes;
  return parcel;
}

// Together they are too much for one message and must go in one: what can be fetched is.
void Shrink(size_t group, const std::vector<size_t>& group_of, std::vector<Parcel>* parcels) {
  for (size_t i = 0; i < parcels->size(); ++i) {
    Parcel& parcel = (*parcels)[i];
    if (group_of[i] == group && parcel.delta_bytes > kReferenceBytes) parcel.in_document = true;
  }
}

std::vector<Load> LoadsOf(const std::vector<Parcel>& parcels, const std::vector<size_t>& group_of) {
  std::vector<Load> loads(parcels.size());
  for (size_t i = 0; i < parcels.size(); ++i) loads[group_of[i]].Add(parcels[i]);
  return loads;
}

// Which groups go now, as far as there is room: first what is due. Were what was just refused to
// keep the place of what is due, it would be sent and refused without end.
std::vector<bool> Choose(const std::vector<Load>& loads, const DeliveryLimits& limits) {
  std::vector<size_t> order(loads.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_partition(order.begin(), order.end(), [&](size_t i) { return loads[i].is_due; });
  std::vector<bool> goes(loads.size(), false);
  Load load = loads[order[0]];  // Goes, however large.
  goes[order[0]] = true;
  for (size_t i = 1; i < order.size(); ++i) {
    load.Add(loads[order[i]]);
    if (!load.Fits(limits)) break;
    goes[order[i]] = true;
  }
  return goes;
}

// Of what is wanted, as much as one Desired takes.
std::vector<Parcel> Pack(const ClusterState& cluster, const std::vector<const std::string*>& wanted,
                         absl::Time now, const DeliveryLimits& limits, DeltaCache* deltas) {
  std::vector<Parcel> parcels;
  Load all;
  for (const std::string* name : wanted) {
    const Instance& instance = cluster.instances.at(*name);
    parcels.push_back(Weigh(*name, instance, limits, deltas));
    parcels.back().is_due = WantedAt(instance) <= now;
    all.Add(parcels.back());
  }
  if (all.Fits(limits)) return parcels;  // The usual case: groups do not matter.
  std::vector<TargetMoves> moves;
  for (const std::string* name : wanted)
    moves.push_back(MovesOf(cluster.instances.at(*name), deltas));
  const std::vector<size_t> group_of = HandOverGroups(moves);
  std::vector<Load> loads = LoadsOf(parcels, group_of);
  for (size_t group = 0; group < loads.size(); ++group) {
    if (loads[group].message_bytes > limits.desired_bytes) Shrink(group, group_of, &parcels);
  }
  loads = LoadsOf(parcels, group_of);
  const std::vector<bool> goes = Choose(loads, limits);
  std::vector<Parcel> packed;
  for (size_t i = 0; i < parcels.size(); ++i) {
    if (goes[group_of[i]]) packed.push_back(parcels[i]);
  }
  return packed;
}

// Whether the newest Desired under way carries the same.
bool IsUnderWay(const SessionState& session, const std::vector<Parcel>& parcels,
                const ClusterState& cluster) {
  if (session.in_flight.empty()) return false;
  const SentDesired& last = session.in_flight.back();
  return std::all_of(parcels.begin(), parcels.end(), [&](const Parcel& parcel) {
    const auto at = last.targets.find(*parcel.name);
    return at != last.targets.end() &&
           at->second.generation == cluster.instances.at(*parcel.name).assignment.generation;
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

bool HoldsUnknown(const Instance& instance) {
  const ReceivedTarget& received = instance.received;
  return received.generation > 0 && received.manifest->empty() && !received.releasing &&
         (received.options_digest.IsZero() || instance.releasing());
}

bool IsReported(const Instance& instance) {
  const std::optional<ApplicationReport>& report = instance.report;
  return report.has_value() && report->generation == instance.assignment.generation &&
         (instance.releasing() || report->manifest == instance.assignment.manifest->digest());
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
  if (session.in_flight.size() >= kInFlightMax) return;
  const std::vector<const std::string*> wanted = Wanted(cluster, turn.now, &turn.state.deltas);
  if (wanted.empty()) return;
  const std::vector<Parcel> parcels =
      Pack(cluster, wanted, turn.now, turn.state.settings.delivery, &turn.state.deltas);
  if (IsUnderWay(session, parcels, cluster)) return;
  Desired desired;
  desired.seq = ++cluster.desired_seq;
  desired.epoch = turn.state.epoch;
  SentDesired sent{desired.seq, turn.now, {}, Digest(), {}};
  std::map<std::string, ReceivedTarget> after = ReceivedTargets(cluster);
  size_t inline_left = kInlineBytesMax;
  for (const Parcel& parcel : parcels) {
    Instance& instance = cluster.instances.at(*parcel.name);
    ApplicationTarget target = MakeTarget(parcel, instance, &turn.state.deltas, &inline_left);
    const auto* document = std::get_if<DocumentReference>(&target.content);
    if (document != nullptr) sent.documents.insert(document->digest);
    after[*parcel.name] = sent.targets[*parcel.name] = TargetOf(instance.assignment);
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
