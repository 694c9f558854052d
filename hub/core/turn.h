#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "hub/core/effect.h"
#include "hub/core/records.h"
#include "hub/core/state.h"

namespace lockstep {

// What is kept at most.
inline constexpr uint64_t kEventsMax = 10'000;        // The audit log; the oldest go.
inline constexpr size_t kHistoryPerInstanceMax = 20;  // Releases of an application on a cluster.

/// One Step under way: what it has changed, what is to be looked at before it ends, and its
/// effects.
///
/// Whoever changes something that is stored touches it; it is written once, at the end, as it then
/// is. What no longer exists at the end is deleted.
class Turn {
 public:
  Turn(HubState& hub, absl::Time time) : state(hub), now(time) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  HubState& state;
  const absl::Time now;  // What timers go by: no setting of the clock moves it.
  absl::Time wall() const { return now + state.clock_ahead; }  // What is stored and shown.
  std::string by = "hub";  // Who caused this, for the history and the audit log.

  void TouchHub() { hub_ = true; }
  void TouchConfig() { config_ = true; }
  /// What the agent of `cluster` knows of another history.
  void TouchPoint(const std::string& cluster) { points_.insert(cluster); }
  void Touch(const ResourceKey& resource) { resources_.insert(resource); }
  void TouchSource(const NamespacedName& source) { sources_.insert(source); }
  void TouchAssignment(const std::string& cluster, const std::string& application) {
    assignments_.emplace(cluster, application);
  }
  void TouchStatus(const std::string& cluster, const std::string& application) {
    statuses_.emplace(cluster, application);
  }
  void TouchAgent(const std::string& cluster) { agents_.insert(cluster); }
  void TouchEnrolment(const std::string& cluster) { enrolments_.insert(cluster); }
  void TouchToken(const Digest& token) { tokens_.insert(token); }
  void TouchRevoked(const Digest& fingerprint) { revoked_.insert(fingerprint); }

  /// Writes a line of the audit log; people who watch are told.
  void Record(AuditEvent event);
  /// Adds an entry to the history of the instance and lets its oldest go.
  void RecordHistory(const std::string& cluster, const std::string& application, Instance* instance,
                     HistoryEntry entry);
  /// Deletes the instance's history: it is being forgotten.
  void ForgetHistory(const std::string& cluster, const std::string& application,
                     const Instance& instance);
  void PutBlob(const Digest& digest, const std::string& bytes);
  /// See Batch.
  void RaiseCounterTo(uint64_t counter) { batch_.RaiseCounterTo(counter); }

  void Emit(Effect effect) { effects_.push_back(std::move(effect)); }
  void Send(SessionId session, HubMessage message) {
    Emit(effect::Send{session, std::move(message)});
  }
  void Reply(uint64_t request, absl::StatusOr<ReplyBody> result) {
    Emit(effect::Reply{request, std::move(result)});
  }
  /// People who watch see something else now.
  void Notify() { notify_ = true; }

  // To be done before the step ends; see FinishTurn.
  std::set<std::string> replan;        // Clusters.
  std::set<std::string> deliver;       // Clusters.
  std::set<NamespacedName> render;     // Repositories with something to render.
  std::set<NamespacedName> fetch;      // Repositories to look at now.
  std::set<std::string> finish_going;  // Applications that may be gone.

  /// What a person approved with the deletion of an application: the digest of the list, by
  /// (cluster, application).
  std::map<std::pair<std::string, std::string>, Digest> release_approvals;

  /// The writes as the first effect, then the others.
  std::vector<Effect> Take();

 private:
  void WritePoints();
  void WriteResources();
  void WriteInstances();
  void WriteClusters();

  Batch batch_;
  std::vector<Effect> effects_;
  bool notify_ = false;
  bool hub_ = false;
  bool config_ = false;
  std::set<std::string> points_;
  std::set<ResourceKey> resources_;
  std::set<NamespacedName> sources_;
  std::set<std::pair<std::string, std::string>> assignments_;
  std::set<std::pair<std::string, std::string>> statuses_;
  std::set<std::string> agents_;
  std::set<std::string> enrolments_;
  std::set<Digest> tokens_;
  std::set<Digest> revoked_;
};

}  // namespace lockstep
