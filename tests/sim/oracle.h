#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/effect.h"
#include "agent/core/state.h"
#include "common/bundle/link.h"
#include "common/object/value.h"
#include "hub/core/effect.h"
#include "hub/core/state.h"
#include "tests/sim/world.h"

namespace lockstep::sim {

/// Watches everything that leaves a process or reaches a disk or a target, and says by its own
/// reckoning whether DESIGN 2 allows it. It knows the commits, what people decided, and what was
/// promised to whom.
class Oracle {
 public:
  explicit Oracle(World* world) : world_(*world) {}

  // What people decided.
  void Approved(const std::string& cluster, const std::string& application, const Digest& list) {
    approved_.insert({cluster, application, list});
  }
  void OrphanNamed(const std::string& cluster, const std::string& application,
                   const ObjectKey& key) {
    named_.insert({cluster, application, key});
  }
  void DeleteAsked(const std::string& application) { delete_asked_.insert(application); }
  void TargetAccepted(const std::string& cluster, const std::string& uid) {
    accepted_targets_.insert({cluster, uid});
  }
  /// What vanished from the configuration may go.
  void ConfigApproved(const std::vector<ResourceKey>& vanished) {
    may_vanish_.insert(vanished.begin(), vanished.end());
  }
  /// The hub said that it will never let this key in again.
  void Revoked(const Digest& fingerprint) { revoked_.insert(fingerprint); }

  // The hub.
  void HubStarted(const HubState& state);
  void HubDied(std::vector<std::string> summary) { summary_ = std::move(summary); }
  /// `commits` are what commits() was when that copy was made.
  void HubRestored(std::map<uint64_t, Digest> commits);
  /// A person said that the hub goes on although it is behind.
  void HubApproved();
  /// The state after a step, and what the step wants done.
  void HubStepped(const HubState& state, const std::vector<Effect>& effects);
  void HubIsGreeted(const HubState& state, const event::AgentHello& hello);
  void HubReadsConfig(const HubState& state, const event::ConfigRead& read);
  void HubWrites(const HubState& state, bool disk_full);
  /// The history that the hub has, by counter.
  const std::map<uint64_t, Digest>& commits() const { return commits_; }
  void HubHasWritten(const CommitPoint& at) { commits_[at.counter] = at.chain; }
  void HubSends(const HubState& state, SessionId session, const HubMessage& message);

  // Agents.
  void AgentEnrolled(const std::string& cluster);
  /// `written` is what it meant to write, `durable` what came back.
  void AgentStarted(const std::string& cluster, const DurableState& durable,
                    const DurableState& written);
  void AgentReceives(const std::string& cluster, const Desired& desired);
  void AgentPersists(const std::string& cluster, const agent_effect::Persist& persist,
                     const DurableState& before);
  void AgentSends(const std::string& cluster, const AgentMessage& message,
                  const DurableState& synced);
  void RunStarts(const std::string& cluster, const ReconcileTask& task, const AgentState& state);

  // Targets.
  void Writes(const std::string& cluster, const ReconcileTask& task, const ObjectKey& key,
              const Value& value, const std::optional<Value>& before, const DurableState& state);
  void Deletes(const std::string& cluster, const ReconcileTask& task, const ObjectKey& key,
               const DurableState& state);
  void OthersWrote(const std::string& cluster, const ObjectKey& key) {
    views_[cluster].may_stay.insert(key);
  }
  /// Whether the object may lie there although nothing names it (any more).
  bool MayStay(const std::string& cluster, const ObjectKey& key) const;

  uint64_t writes() const { return writes_; }
  uint64_t deletes() const { return deletes_; }

 private:
  // What was said of one application to one cluster, and what the agent made of it.
  struct Tombstones {
    std::set<ObjectKey> keys;
    size_t before = 0;  // What they were weighed against.
    bool held = false;
  };
  struct Content {
    uint64_t generation = 0;
    ManifestPtr manifest = EmptyManifest();  // Empty where it is released.
    Digest options;
    std::optional<ReleaseObjects> release;
    bool forgotten = false;  // The instance went; another may come.

    bool Same(const Content& other) const {
      return manifest->digest() == other.manifest->digest() && options == other.options &&
             release == other.release;
    }
  };
  // Where in its repository's history an application is; see GitModel::WasHead.
  struct Position {
    const GitModel* git = nullptr;
    size_t head = 0;
  };
  struct View {
    std::map<std::string, Content> assigned;  // As last seen in the hub.
    std::map<std::string, uint64_t> sent;     // Highest generation that left the hub.
    // What the hub meant for each application when the newest Desired of a number left it, and
    // whether that message said so.
    struct Meant {
      ManifestPtr manifest = EmptyManifest();
      bool in_message = false;
    };
    std::map<uint64_t, std::map<std::string, Meant>> messages;
    std::pair<uint64_t, absl::Time> noted;  // The last of them: number and time.
    uint64_t status_acked = 0;
    std::map<std::pair<std::string, uint64_t>, ApplicationTarget> received;
    std::map<std::string, uint64_t> accepted;  // Highest generation, over restarts.
    uint64_t acknowledged = 0;                 // Highest seq that the agent said it keeps.
    CommitPoint seen;
    std::map<std::string, Tombstones> tombstones;
    std::set<ObjectKey> may_stay;
    std::map<std::string, Position> positions;
  };

  static Content ContentOf(const Assignment& assignment);
  void CheckVanished(const HubState& state);
  void KnowHub(const HubState& state, bool restored);
  void SendsDesired(const HubState& state, const std::string& cluster, const Desired& desired);
  void NoteMeaning(const ClusterState& cluster, View* view);
  // With the delta and the tombstones of its document in their places.
  ApplicationTarget Resolve(const ApplicationTarget& target) const;
  void CheckAssigned(const HubState& state, const std::string& cluster,
                     const std::string& application, const Assignment& now);
  void CheckContent(const std::string& cluster, const ApplicationTarget& target);
  void CheckClaims(const ClusterState& cluster, const std::string& application,
                   const Manifest& before, const Assignment& now);
  void Accepts(const std::string& cluster, const ApplicationRecord& next,
               const DurableState& before, const DurableState& after);
  void CheckForward(const std::string& cluster, const ApplicationRecord& next);
  void CheckHandOver(const std::string& cluster, const ApplicationRecord& next,
                     const DurableState& after);
  void KeepTombstones(const std::string& cluster, const ApplicationRecord& next,
                      const DurableState& before, const DurableState& after);
  void Fail(const std::string& cluster, const std::string& what);

  World& world_;
  std::set<std::tuple<std::string, std::string, Digest>> approved_;
  std::set<std::tuple<std::string, std::string, ObjectKey>> named_;
  std::set<std::string> delete_asked_;
  std::map<std::string, View> views_;
  std::map<Digest, DeltaDocument> documents_;        // That were ever referred to.
  std::optional<std::vector<std::string>> summary_;  // Of the hub that died, where it was durable.
  bool restored_ = false;                            // At any time.
  bool restoring_ = false;                           // The next start is of an older copy.

  // What this hub has of its history, and which agents proved that it is not all.
  std::map<uint64_t, Digest> commits_;
  std::map<std::string, CommitPoint> behind_;
  std::set<std::pair<std::string, uint64_t>> forgiven_;  // Cluster, counter.

  // What Git declares of the hub's own configuration.
  std::set<ResourceKey> from_git_;  // As last seen in the hub.
  std::set<ResourceKey> may_vanish_;

  // Who may come.
  struct Visitor {
    Digest fingerprint;
    std::string target;
  };
  std::map<SessionId, Visitor> visitors_;
  std::set<std::pair<std::string, std::string>> accepted_targets_;  // Cluster, UID.
  std::set<Digest> revoked_;
  std::set<Digest> heard_revoked_;  // From agents that know more than the hub.

  uint64_t writes_ = 0;
  uint64_t deletes_ = 0;
};

}  // namespace lockstep::sim
