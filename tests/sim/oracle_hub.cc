// What the hub may forget, decide and say.
#include <algorithm>
#include <iterator>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "hub/core/outgoing.h"
#include "tests/sim/oracle.h"
#include "tests/sim/summary.h"

namespace lockstep::sim {

void Oracle::Fail(const std::string& cluster, const std::string& what) {
  world_.Fail(absl::StrCat(cluster, ": ", what));
}

void Oracle::HubRestored(std::map<uint64_t, Digest> commits) {
  commits_ = std::move(commits);
  restored_ = restoring_ = true;
  summary_.reset();
}

Oracle::Content Oracle::ContentOf(const Assignment& assignment) {
  const bool released = assignment.release.has_value();
  return {assignment.generation, released ? EmptyManifest() : assignment.manifest,
          assignment.options_digest, assignment.release, false};
}

void Oracle::HubStarted(const HubState& state) {
  if (const auto died = std::exchange(summary_, std::nullopt)) {
    const std::vector<std::string> now = Summary(state);
    for (const std::string& line : *died) {
      if (std::find(now.begin(), now.end(), line) == now.end()) {
        const std::string about = line.substr(0, line.find(':'));
        const auto other = std::find_if(now.begin(), now.end(), [&](const std::string& one) {
          return absl::StartsWith(one, about);
        });
        return world_.Fail(absl::StrCat("the hub forgot what was durable: ", line, "; it has ",
                                        other == now.end() ? "nothing" : *other));
      }
    }
    for (const std::string& line : now) {
      if (std::find(died->begin(), died->end(), line) == died->end()) {
        return world_.Fail(absl::StrCat("the hub came back with what it did not know: ", line));
      }
    }
  }
  const bool restored = std::exchange(restoring_, false);
  KnowHub(state, restored);
  for (auto& [name, view] : views_) {
    const auto cluster = state.clusters.find(name);
    view.assigned.clear();  // What was decided and not written is forgotten.
    if (cluster != state.clusters.end()) {
      for (const auto& [application, instance] : cluster->second.instances)
        view.assigned[application] = ContentOf(instance.assignment);
    }
    if (restored || cluster == state.clusters.end()) {
      view.sent.clear();
      view.status_acked = 0;
      continue;
    }
    // 0: it asks for all when the agent returns.
    const uint64_t kept = cluster->second.status_seq;
    if (kept == 0) view.status_acked = 0;
    if (kept < view.status_acked) {
      Fail(name, absl::StrCat("status ", view.status_acked, " was acknowledged and is lost"));
    }
    for (const auto& [application, generation] : view.sent) {
      uint64_t known = cluster->second.generation_floor;
      const auto instance = cluster->second.instances.find(application);
      if (instance != cluster->second.instances.end()) {
        known = std::max(known, instance->second.assignment.generation);
      }
      if (known >= generation) continue;
      Fail(name, absl::StrCat("generation ", generation, " of ", application,
                              " was sent before it was durable"));
    }
  }
}

// What is durable of what tells a hub that it is behind, and of the keys that it refuses.
void Oracle::KnowHub(const HubState& state, bool restored) {
  commits_.erase(commits_.upper_bound(state.at.counter), commits_.end());
  commits_[state.at.counter] = state.at.chain;
  from_git_.clear();  // What was decided and not written is forgotten.
  behind_ = state.behind.agents;
  heard_revoked_.clear();
  if (!restored) return;
  forgiven_.clear();
  for (const auto& [cluster, point] : state.behind.forgiven) {
    forgiven_.insert({cluster, point.counter});
  }
  revoked_.clear();
  for (const auto& [fingerprint, time] : state.revoked) revoked_.insert(fingerprint);
}

void Oracle::HubApproved() {
  world_.Say("the hub is approved");
  for (const auto& [cluster, point] : behind_) forgiven_.insert({cluster, point.counter});
  behind_.clear();
  revoked_.merge(heard_revoked_);
}

void Oracle::HubIsGreeted(const HubState& state, const event::AgentHello& hello) {
  if (state.read_only) return;  // Nobody is let in.
  visitors_[hello.session] = {hello.fingerprint, hello.hello.target_uid};
  const CommitPoint& seen = hello.hello.seen;
  const auto known = commits_.find(seen.counter);
  const bool same = known != commits_.end() && known->second == seen.chain;
  // Below the newest, yet unknown: of the history that was given up with an approval.
  const bool given_up = known == commits_.end() && seen.counter < commits_.rbegin()->first;
  if (seen.counter > 0 && !same && !given_up &&
      !forgiven_.contains({hello.cluster, seen.counter})) {
    world_.Say("the hub is behind what ", hello.cluster, " knows: commit ", seen.counter);
    behind_[hello.cluster] = seen;
    heard_revoked_.insert(hello.hello.revoked.begin(), hello.hello.revoked.end());
  }
  // What the agent does not know to be acknowledged it sends again.
  uint64_t& acked = views_[hello.cluster].status_acked;
  acked = std::min(acked, hello.hello.status_seq_acked);
}

void Oracle::NoteMeaning(const ClusterState& cluster, View* view) {
  if (!cluster.session.has_value() || cluster.session->in_flight.empty()) return;
  const SentDesired& newest = cluster.session->in_flight.back();
  if (view->noted == std::pair(newest.seq, newest.time)) return;
  view->noted = {newest.seq, newest.time};
  std::map<std::string, View::Meant>& message = view->messages[newest.seq];
  message.clear();
  for (const auto& [name, instance] : cluster.instances) {
    if (instance.releasing()) continue;
    message[name] = {instance.assignment.manifest, newest.targets.contains(name)};
  }
  for (const auto& [name, target] : newest.targets) message[name].in_message = true;
}

// DESIGN 2.2 and 2.3 for the configuration repository: what a complete, error-free and not empty
// reading does not name any more may go, unless that is more than five and a tenth of all.
void Oracle::HubReadsConfig(const HubState& state, const event::ConfigRead& read) {
  if (!read.whole.ok() || !read.errors.empty() || read.resources.empty() || state.read_only) return;
  std::set<ResourceKey> all;
  std::set<ResourceKey> declared;
  for (const DeclaredResource& resource : read.resources) declared.insert(KeyOf(resource.resource));
  for (const auto& [key, resource] : state.resources) {
    if (resource.from_git && !resource.going) all.insert(key);
  }
  std::set<ResourceKey> vanished;
  std::set_difference(all.begin(), all.end(), declared.begin(), declared.end(),
                      std::inserter(vanished, vanished.end()));
  all.insert(declared.begin(), declared.end());
  if (vanished.size() <= std::max<size_t>(5, all.size() / 10)) may_vanish_.merge(vanished);
}

void Oracle::CheckVanished(const HubState& state) {
  std::set<ResourceKey> now;
  for (const auto& [key, resource] : state.resources) {
    if (resource.from_git && !resource.going) now.insert(key);
  }
  for (const ResourceKey& key : from_git_) {
    if (now.contains(key) || may_vanish_.contains(key)) continue;
    world_.Fail(absl::StrCat(key.ToString(), " goes although nobody took it out of Git"));
  }
  for (const ResourceKey& key : now) {
    if (!from_git_.contains(key)) may_vanish_.erase(key);  // It is back.
  }
  from_git_ = std::move(now);
}

void Oracle::HubStepped(const HubState& state, const std::vector<Effect>& effects) {
  for (const Effect& effect : effects) {
    const auto* send = std::get_if<effect::Send>(&effect);
    if (send == nullptr || !std::holds_alternative<Desired>(send->message)) continue;
    if (!behind_.empty()) {
      Fail(behind_.begin()->first, "a hub that is behind what this agent knows pushes");
    }
  }
  if (world_.config != nullptr) CheckVanished(state);
  for (auto& [name, view] : views_) {
    if (state.clusters.contains(name)) continue;
    view.assigned.clear();
    view.sent.clear();
    view.status_acked = 0;
  }
  for (const auto& [name, cluster] : state.clusters) {
    View& view = views_[name];
    if (cluster.session.has_value() && cluster.session->in_flight.size() > kInFlightMax) {
      Fail(name, "more Desired are under way than may be");
    }
    NoteMeaning(cluster, &view);
    for (auto& [application, content] : view.assigned) {
      if (!cluster.instances.contains(application)) content.forgotten = true;
    }
    for (const auto& [application, instance] : cluster.instances) {
      const Assignment& now = instance.assignment;
      Content& last = view.assigned[application];
      if (now.generation == last.generation || now.generation == 0) continue;
      const Content next = ContentOf(now);
      CheckClaims(cluster, application, *last.manifest, now);
      if (next.manifest->digest() != last.manifest->digest() && !next.release.has_value())
        CheckAssigned(state, name, application, now);
      if (next.generation < last.generation) {
        Fail(name, absl::StrCat(application, " goes back from generation ", last.generation, " to ",
                                next.generation));
      }
      const bool asked = now.approved.has_value() || !now.tombstones.empty() || now.accept_foreign;
      if (last.generation > 0 && !last.forgotten && next.Same(last) && !asked && !restored_) {
        Fail(name, absl::StrCat(application, " gets generation ", next.generation,
                                " although nothing of it changed"));
      }
      last = next;
    }
  }
}

void Oracle::HubWrites(const HubState& state, bool disk_full) {
  if (disk_full) world_.Fail("the hub writes although its disk is nearly full");
  if (state.read_only) world_.Fail("a hub that is read-only writes");
}

void Oracle::HubSends(const HubState& state, SessionId session, const HubMessage& message) {
  const auto at = state.sessions.find(session);
  if (state.read_only) world_.Fail("a hub that is read-only speaks to agents");
  if (at == state.sessions.end()) return;
  const Visitor& visitor = visitors_[session];
  if (std::holds_alternative<Welcome>(message) &&
      (revoked_.contains(visitor.fingerprint) || heard_revoked_.contains(visitor.fingerprint))) {
    Fail(at->second, "a revoked key is let in");
  }
  if (const auto* desired = std::get_if<Desired>(&message)) {
    if (!accepted_targets_.contains({at->second, visitor.target})) {
      Fail(at->second, "a target that nobody accepted is pushed to");
    }
    SendsDesired(state, at->second, *desired);
  } else if (const auto* ack = std::get_if<StatusAck>(&message)) {
    views_[at->second].status_acked = ack->through;
    world_.Say("hub acknowledges ", at->second, " status ", ack->through);
  }
}

void Oracle::SendsDesired(const HubState& state, const std::string& cluster,
                          const Desired& desired) {
  View& view = views_[cluster];
  if (desired.applications.empty()) Fail(cluster, "a Desired that says nothing");
  for (const ApplicationTarget& wire : desired.applications) {
    const auto* reference = std::get_if<DocumentReference>(&wire.content);
    if (reference != nullptr) {
      const BlobBytes bytes = state.deltas.FindDocument(reference->digest);
      if (bytes == nullptr) return Fail(cluster, "a document that is not at hand is referred to");
      documents_[reference->digest] = *DecodeDocument(*reference, *bytes);
    }
    const ApplicationTarget target = Resolve(wire);
    world_.Say("hub sends ", cluster, " seq ", desired.seq, " ", target.name, " generation ",
               target.generation, " ", target.revision, target.releases() ? " released" : "",
               reference != nullptr ? " by document" : "",
               target.approved.has_value() ? " approved" : "",
               target.tombstones.empty() ? "" : " orphans named");
    uint64_t& sent = view.sent[target.name];
    if (target.generation < sent) {
      Fail(cluster,
           absl::StrCat(target.name, " is sent generation ", target.generation, " after ", sent));
    }
    sent = target.generation;
    CheckContent(cluster, target);
    // Lists of orphans that were asked for one after another go as one.
    const bool all_named =
        !target.tombstones.empty() && target.approved == KeyListDigest(target.tombstones) &&
        std::all_of(target.tombstones.begin(), target.tombstones.end(), [&](const ObjectKey& key) {
          return named_.contains({cluster, target.name, key});
        });
    if (all_named) approved_.insert({cluster, target.name, *target.approved});
    if (target.approved.has_value() &&
        !approved_.contains({cluster, target.name, *target.approved})) {
      Fail(cluster, absl::StrCat("deletes of ", target.name, " go approved by nobody"));
    }
    for (const ObjectKey& key : target.tombstones) {
      if (named_.contains({cluster, target.name, key})) continue;
      Fail(cluster, absl::StrCat("nobody asked to delete ", key.ToString()));
    }
  }
}

ApplicationTarget Oracle::Resolve(const ApplicationTarget& target) const {
  const auto* reference = std::get_if<DocumentReference>(&target.content);
  if (reference == nullptr || !documents_.contains(reference->digest)) return target;
  const DeltaDocument& document = documents_.at(reference->digest);
  ApplicationTarget resolved = target;
  resolved.content = std::make_shared<const DeltaMessage>(DeltaMessage{document.delta, {}});
  resolved.tombstones = document.tombstones;
  return resolved;
}

namespace {

std::string CommitOf(const std::string& revision) {
  return revision.substr(revision.rfind(':') + 1);
}

// Why `digest` is not what `commit` makes of an application with this path.
std::string WhatIsWrong(GitModel* git, const std::string& commit, const std::string& path,
                        bool skip_missing, const Digest& digest) {
  const GitModel::Expected& expected = git->Expect(commit, path);
  switch (expected.kind) {
    case GitModel::Expected::Kind::kUnknown:
      return "what no commit says";
    case GitModel::Expected::Kind::kError:
      return "a revision that does not render";
    case GitModel::Expected::Kind::kMissing:
      if (!skip_missing) return "a revision without its path";
      break;
    case GitModel::Expected::Kind::kObjects:
      break;
  }
  return digest == expected.manifest->digest() ? "" : "what is not what Git says";
}

}  // namespace

// Git decides, and by the specification that the hub has: nothing newly assigned is of a repository
// or a path that the application left.
void Oracle::CheckAssigned(const HubState& state, const std::string& cluster,
                           const std::string& application, const Assignment& now) {
  const ResourceState* resource = state.FindApplication(application);
  if (resource == nullptr)
    return Fail(cluster, absl::StrCat(application, " is assigned and nobody declares it"));
  const ApplicationSpec& spec = std::get<Application>(*resource->resource).spec;
  const absl::StatusOr<std::string> path = spec.path.Expand(*state.clusters.at(cluster).labels);
  const std::string wrong =
      !path.ok()
          ? "what has no path"
          : WhatIsWrong(world_.git[RepositoryOf(spec.source)].get(), CommitOf(now.revision), *path,
                        spec.missing_path == MissingPath::kSkip, now.manifest->digest());
  if (!wrong.empty())
    Fail(cluster, absl::StrCat(application, " is assigned ", wrong, ": ", now.revision));
}

// What is sent is what its revision renders to, and no revision that failed is sent. It may be of a
// former specification: what was assigned then goes on until the present one is rendered.
void Oracle::CheckContent(const std::string& cluster, const ApplicationTarget& target) {
  const ApplicationPlan& plan = *world_.Find(target.name);
  std::vector<PlanVersion> versions = plan.before;
  versions.push_back(plan.now);
  if (target.releases()) {
    const bool deletes = std::get<ReleaseObjects>(target.content) == ReleaseObjects::kDelete;
    const bool said = delete_asked_.contains(target.name) ||
                      std::any_of(versions.begin(), versions.end(), [](const PlanVersion& version) {
                        return version.delete_objects;
                      });
    if (deletes && !said) {
      Fail(cluster, absl::StrCat(target.name, " goes with its objects and nobody said so"));
    }
    return;
  }
  const Digest digest = target.manifest();
  const std::string commit = CommitOf(target.revision);
  std::string wrong;
  for (const PlanVersion& version : versions) {
    wrong = WhatIsWrong(world_.git[version.repository].get(), commit, version.PathOn(cluster),
                        version.skip_missing, digest);
    if (wrong.empty()) return;
  }
  Fail(cluster, absl::StrCat(target.name, " is sent ", wrong, ": ", target.revision));
}

// A tombstone for an object that another application waits for is never decided alone.
void Oracle::CheckClaims(const ClusterState& cluster, const std::string& application,
                         const Manifest& before, const Assignment& now) {
  if (now.release == ReleaseObjects::kOrphan) return;
  for (const ManifestEntry& entry : before.entries()) {
    if (!now.release.has_value() && now.manifest->Find(entry.key) != nullptr) continue;
    for (const auto& [name, other] : cluster.instances) {
      if (name == application || !other.placed || !other.waiting.has_value()) continue;
      if (other.waiting->manifest->Find(entry.key) == nullptr) continue;
      Fail(cluster.labels->name, absl::StrCat(application, " is to drop ", entry.key.ToString(),
                                              ", which ", name, " waits for"));
    }
  }
}

}  // namespace lockstep::sim
