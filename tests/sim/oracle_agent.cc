// What an agent may accept, say, write and delete.
#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/object/json.h"
#include "tests/sim/oracle.h"
#include "tests/sim/summary.h"

namespace lockstep::sim {
namespace {

// DESIGN 2.3 in its own words: `objects` there were before, of which `wanted` stay.
bool NeedsApproval(const std::set<ObjectKey>& deletes, size_t objects, size_t wanted) {
  static const auto* kProtected =
      new std::set<std::string>{"Namespace",        "CustomResourceDefinition",
                                "PersistentVolume", "PersistentVolumeClaim",
                                "StorageClass",     "StatefulSet"};
  if (deletes.empty()) return false;
  for (const ObjectKey& key : deletes) {
    if (kProtected->contains(key.kind)) return true;
  }
  return wanted == 0 || deletes.size() >= objects ||
         (deletes.size() > 5 && deletes.size() * 10 > objects);
}

size_t Wanted(const ApplicationRecord& target) {
  return target.releasing.has_value() ? 0 : target.manifest->size();
}

// Another application whose accepted set names the key.
std::string OtherOwner(const DurableState& state, const std::string& application,
                       const ObjectKey& key) {
  for (const auto& [name, other] : state.applications) {
    if (name == application || other.target.releasing.has_value()) continue;
    if (other.target.manifest->Find(key) != nullptr) return name;
  }
  return "";
}

// Whether `commit` renders to what was accepted, for any specification that people declared.
bool Makes(const World& world, const ApplicationRecord& accepted, const std::string& cluster,
           GitModel* git, const std::string& commit) {
  const ApplicationPlan& plan = *world.Find(accepted.name);
  const auto makes = [&](const PlanVersion& version) {
    if (world.git[version.repository].get() != git) return false;
    const GitModel::Expected& expected = git->Expect(commit, version.PathOn(cluster));
    const bool renders =
        expected.kind == GitModel::Expected::Kind::kObjects ||
        (expected.kind == GitModel::Expected::Kind::kMissing && version.skip_missing);
    return renders && expected.manifest->digest() == accepted.manifest->digest();
  };
  return makes(plan.now) || std::any_of(plan.before.begin(), plan.before.end(), makes);
}

}  // namespace

void Oracle::AgentEnrolled(const std::string& cluster) {
  // A new agent before whatever the one before left.
  View& view = views_[cluster];
  View next;
  next.assigned = std::move(view.assigned);
  next.sent = std::move(view.sent);
  next.may_stay = std::move(view.may_stay);
  view = std::move(next);
}

void Oracle::AgentStarted(const std::string& cluster, const DurableState& durable,
                          const DurableState& written) {
  View& view = views_[cluster];
  const std::vector<std::string> back = Summary(durable);
  const std::vector<std::string> meant = Summary(written);
  const auto [now, then] = std::mismatch(back.begin(), back.end(), meant.begin(), meant.end());
  if (now != back.end() || then != meant.end()) {
    Fail(cluster, absl::StrCat("it comes back with other than it wrote: ",
                               now == back.end() ? "nothing" : *now, "; it wrote ",
                               then == meant.end() ? "nothing" : *then));
  }
  if (durable.agent.desired_seq < view.acknowledged) {
    Fail(cluster, absl::StrCat("Desired ", view.acknowledged, " was acknowledged and is lost"));
  }
  for (const auto& [name, application] : durable.applications) {
    if (application.target.generation > view.accepted[name]) {
      Fail(cluster, absl::StrCat(name, " comes back with a generation that was never written"));
    }
  }
}

void Oracle::AgentReceives(const std::string& cluster, const Desired& desired) {
  for (const ApplicationTarget& target : desired.applications) {
    views_[cluster].received[{target.name, target.generation}] = Resolve(target);
  }
}

void Oracle::AgentPersists(const std::string& cluster, const agent_effect::Persist& persist,
                           const DurableState& before) {
  DurableState after = before;
  for (const Record& record : persist.records) ApplyRecord(record, &after);
  View& view = views_[cluster];
  if (after.agent.epoch < before.agent.epoch) Fail(cluster, "an older epoch is accepted");
  for (const Record& record : persist.records) {
    const auto* next = std::get_if<ApplicationRecord>(&record);
    if (next == nullptr) continue;
    const auto have = before.applications.find(next->name);
    const bool accepts =
        have == before.applications.end() || have->second.target.generation != next->generation;
    if (accepts) {
      if (after.agent.seen.counter < before.agent.seen.counter) {
        Fail(cluster, "a target of a hub that knows less is accepted");
      }
      Accepts(cluster, *next, before, after);
    } else {
      // A list shrinks, by deletes that were carried out or by a hand-over.
      Tombstones& list = view.tombstones[next->name];
      std::erase_if(list.keys,
                    [&](const ObjectKey& key) { return !ContainsKey(next->tombstones, key); });
      list.held = list.held && NeedsApproval(list.keys, list.before, Wanted(*next));
    }
  }
}

void Oracle::Accepts(const std::string& cluster, const ApplicationRecord& next,
                     const DurableState& before, const DurableState& after) {
  View& view = views_[cluster];
  world_.Say(cluster, " accepts ", next.name, " generation ", next.generation, " with ",
             next.manifest->size(), " objects and ", next.tombstones.size(), " tombstones",
             next.held ? ", held" : "", next.options.suspend ? ", suspended" : "",
             next.releasing.has_value() ? ", released" : "");
  uint64_t& accepted = view.accepted[next.name];
  // A repeated release of what was forgotten changes nothing; a hub that was restored, and
  // approved, knows of nothing that was forgotten since.
  const bool forgotten = !before.applications.contains(next.name);
  const bool harmless = forgotten && (restored_ || next.releasing.has_value());
  if (next.generation <= accepted && !harmless) {
    Fail(cluster,
         absl::StrCat(next.name, " goes back from generation ", accepted, " to ", next.generation));
  }
  accepted = next.generation;
  const auto said = view.received.find({next.name, next.generation});
  if (said == view.received.end()) {
    return Fail(cluster, absl::StrCat(next.name, " accepts what nobody sent"));
  }
  if (!said->second.releases() && said->second.manifest() != next.manifest->digest()) {
    Fail(cluster, absl::StrCat(next.name, " accepts another content than was sent"));
  }
  if (!said->second.releases()) CheckForward(cluster, next);
  KeepTombstones(cluster, next, before, after);
  CheckHandOver(cluster, next, after);
}

// What an agent holds follows its branch: a hub that fell back to an older state catches up before
// it pushes.
void Oracle::CheckForward(const std::string& cluster, const ApplicationRecord& next) {
  const std::string commit = next.revision.substr(next.revision.rfind(':') + 1);
  GitModel* git = world_.RepositoryWith(commit);
  Position& last = views_[cluster].positions[next.name];
  const size_t from = last.git == git ? last.head : 0;
  std::optional<size_t> now = git->WasHead(commit, from);
  // What was assigned is not assigned anew by a later commit that makes the same of it.
  for (size_t head = from; !now.has_value() && head < git->heads().size(); ++head) {
    if (Makes(world_, next, cluster, git, git->heads()[head])) now = head;
  }
  if (!now.has_value()) {
    return Fail(cluster, absl::StrCat(next.name, " goes back to ", next.revision));
  }
  last = {git, *now};
}

// What a message takes from one application and gives to another is taken only along with the
// giving.
void Oracle::CheckHandOver(const std::string& cluster, const ApplicationRecord& next,
                           const DurableState& after) {
  View& view = views_[cluster];
  const auto message = view.messages.find(after.agent.desired_seq);
  if (message == view.messages.end()) return;
  const auto said = message->second.find(next.name);
  if (said == message->second.end() || !said->second.in_message) return;
  for (const ObjectKey& key : view.tombstones[next.name].keys) {
    for (const auto& [name, meant] : message->second) {
      if (name == next.name || meant.manifest->Find(key) == nullptr) continue;
      Fail(cluster,
           absl::StrCat(next.name, " is to delete ", key.ToString(), ", which ",
                        meant.in_message ? "the same message hands to " : "the hub means for ",
                        name));
    }
  }
}

void Oracle::KeepTombstones(const std::string& cluster, const ApplicationRecord& next,
                            const DurableState& before, const DurableState& after) {
  View& view = views_[cluster];
  const ApplicationTarget& said = view.received.at({next.name, next.generation});
  const auto have = before.applications.find(next.name);
  const bool is_new = have == before.applications.end();
  Tombstones& list = view.tombstones[next.name];
  if (is_new) list = {};
  const auto* delta = std::get_if<std::shared_ptr<const DeltaMessage>>(&said.content);
  // One that was going and is wanted again: what its end would have deleted stays.
  if (delta != nullptr && !is_new && have->second.target.releasing.has_value()) list = {};
  const Tombstones last = std::exchange(list, {});
  const Inventory& inventory = after.applications.at(next.name).inventory;

  if (delta != nullptr) {
    if (next.options.prune) {
      list.keys = last.keys;
      if (!is_new && said.complete && !(*delta)->delta.base.IsZero()) {
        for (const ManifestEntry& entry : have->second.target.manifest->entries()) {
          list.keys.insert(entry.key);
        }
      }
    }
    list.keys.insert(said.tombstones.begin(), said.tombstones.end());
  } else if (next.releasing == ReleaseObjects::kDelete) {
    for (const auto& [key, entry] : inventory) list.keys.insert(key);
  } else {
    list.keys.insert(said.tombstones.begin(), said.tombstones.end());  // Named by a person.
  }
  std::erase_if(list.keys, [&](const ObjectKey& key) {
    const bool wanted = delta != nullptr && next.manifest->Find(key) != nullptr;
    return wanted || !inventory.contains(key);
  });
  // What is let go of without deletes stays; so does what leaves Git without prune.
  for (const auto& [key, entry] : inventory) {
    if (!list.keys.contains(key)) view.may_stay.insert(key);
  }

  const size_t objects = (is_new ? 0 : have->second.target.manifest->size()) + last.keys.size();
  const bool grown =
      !std::includes(last.keys.begin(), last.keys.end(), list.keys.begin(), list.keys.end());
  list.before = last.before;
  if (grown) list.before = last.keys.empty() ? objects : std::min(last.before, objects);
  if (grown || last.held) {
    const Digest digest = KeyListDigest({list.keys.begin(), list.keys.end()});
    const bool approved =
        said.approved == digest && approved_.contains({cluster, next.name, digest});
    list.held = NeedsApproval(list.keys, list.before, Wanted(next)) && !approved;
  }
}

void Oracle::AgentSends(const std::string& cluster, const AgentMessage& message,
                        const DurableState& synced) {
  if (const auto* status = std::get_if<StatusReport>(&message); status && world_.trace) {
    for (const ApplicationReport& report : status->applications) {
      world_.Say(cluster, " reports in ", status->seq, status->full ? " in full" : "", ": ",
                 report.name, " generation ", report.generation, " ", report.reason, " ",
                 report.message);
    }
  }
  const auto* ack = std::get_if<Ack>(&message);
  if (ack == nullptr) return;
  for (const ApplicationAck& refused : ack->refused) {
    world_.Say(cluster, " refuses ", refused.name, " generation ", refused.generation, ": ",
               refused.message);
  }
  View& view = views_[cluster];
  view.acknowledged = std::max(view.acknowledged, ack->received_through);
  if (synced.agent.desired_seq < ack->received_through) {
    Fail(cluster,
         absl::StrCat("Desired ", ack->received_through, " is acknowledged before it is durable"));
  }
  if (RootOf(synced) != ack->cluster_root) {
    Fail(cluster, "a root is acknowledged that is not durable");
  }
}

void Oracle::RunStarts(const std::string& cluster, const ReconcileTask& task,
                       const AgentState& state) {
  if (state.hub_behind && !task.deletes.empty()) {
    Fail(cluster, absl::StrCat(task.application, " deletes while the hub is behind"));
  }
  if (!accepted_targets_.contains({cluster, state.facts.target_uid})) {
    Fail(cluster, absl::StrCat(task.application, " is applied to a target that nobody accepted"));
  }
}

void Oracle::Writes(const std::string& cluster, const ReconcileTask& task, const ObjectKey& key,
                    const Value& value, const std::optional<Value>& before,
                    const DurableState& state) {
  ++writes_;
  const std::string what = absl::StrCat(task.application, " writes ", key.ToString());
  world_.Say(cluster, " ", what);
  if (before.has_value() && *before == value) Fail(cluster, what + ", which is as it should be");
  const auto application = state.applications.find(task.application);
  if (application == state.applications.end()) return Fail(cluster, what + " and is not there");
  const ApplicationRecord& target = application->second.target;
  const ManifestEntry* entry = target.manifest->Find(key);
  if (entry == nullptr || entry->blob != Digest::Of(CanonicalJson(value))) {
    Fail(cluster, what + ", which is not what was accepted");
  }
  if (target.options.suspend && !target.releasing.has_value()) {
    Fail(cluster, what + " although it is suspended");
  }
  if (target.releasing == ReleaseObjects::kOrphan) Fail(cluster, what + " although it let go");
  const std::string other = OtherOwner(state, task.application, key);
  if (!other.empty()) Fail(cluster, absl::StrCat(what, ", which is of ", other));
}

void Oracle::Deletes(const std::string& cluster, const ReconcileTask& task, const ObjectKey& key,
                     const DurableState& state) {
  ++deletes_;
  const std::string what = absl::StrCat(task.application, " deletes ", key.ToString());
  world_.Say(cluster, " ", what);
  const auto application = state.applications.find(task.application);
  if (application == state.applications.end()) return Fail(cluster, what + " and is not there");
  const ApplicationRecord& target = application->second.target;
  const Tombstones& list = views_[cluster].tombstones[task.application];
  if (!list.keys.contains(key)) Fail(cluster, what + " without a tombstone");
  if (list.held) Fail(cluster, what + " without the approval that its list needs");
  if (!target.releasing.has_value() && target.manifest->Find(key) != nullptr) {
    Fail(cluster, what + ", which it wants");
  }
  if (target.options.suspend && !target.releasing.has_value()) {
    Fail(cluster, what + " although it is suspended");
  }
  const std::string other = OtherOwner(state, task.application, key);
  if (!other.empty()) Fail(cluster, absl::StrCat(what, ", which is of ", other));
}

bool Oracle::MayStay(const std::string& cluster, const ObjectKey& key) const {
  const auto view = views_.find(cluster);
  return view != views_.end() && view->second.may_stay.contains(key);
}

}  // namespace lockstep::sim
