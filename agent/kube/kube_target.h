#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/kube/discovery.h"
#include "agent/kube/http.h"
#include "agent/kube/reflector.h"
#include "agent/target/target.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"

namespace lockstep {

/// A Kubernetes API server: server-side apply under the field manager "lockstep", everything as the
/// application's account.
///
/// What an account sees of a kind in a namespace is kept by a Reflector, shared by the applications
/// with that account. An object whose mark there is the one that our last write left costs no
/// request to know; one that others changed, or that we never wrote, is read whole and compared in
/// the fields that are wanted.
///
/// A key is settled on the way in (see Settle); answers and notices have it as it was given.
class KubeTarget : public Target {
 public:
  /// `clock` is borrowed and outlives this.
  KubeTarget(const KubeAccess& access, KubeHttp::Options options, const Clock* clock);
  ~KubeTarget() override;

  TargetKind kind() const override { return TargetKind::kKubernetes; }
  Capabilities capabilities() const override {
    return {.uids = true, .owners = true, .validates = true, .discovers = true};
  }
  /// The UID of the Namespace kube-system: a rebuilt cluster has another one.
  absl::StatusOr<std::string> Uid() override;
  std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs& as,
                                                const std::vector<ObjectKey>& keys,
                                                absl::string_view default_namespace) override;
  std::vector<absl::StatusOr<Observation>> Observe(const ActingAs& as,
                                                   const std::vector<LookAt>& objects,
                                                   const Cancellation& cancel) override;
  /// A server-side dry run of each.
  std::vector<absl::Status> Validate(const ActingAs& as, const std::vector<WantedObject>& stage,
                                     const Cancellation& cancel) override;
  std::vector<absl::StatusOr<Written>> Apply(const ActingAs& as,
                                             const std::vector<WantedObject>& objects,
                                             const Cancellation& cancel) override;
  absl::Status MakeNamespace(const ActingAs& as, const std::string& name,
                             const Cancellation& cancel) override;
  /// INVALID_ARGUMENT for what is the agent's own: an agent that deletes itself keeps nothing
  /// right.
  std::vector<absl::Status> Delete(const ActingAs& as, const std::vector<DeleteRequest>& objects,
                                   const Cancellation& cancel) override;
  absl::Status Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                     Changed changed) override;
  void Stop() override;

 private:
  // A Reflector and the applications that look at it.
  struct Followed {
    std::shared_ptr<Reflector> reflector;
    std::set<std::string> applications;
  };
  // One object of a batch: how it is spoken of.
  struct Spoken {
    KindInfo kind;
    std::string version;
    std::string namespace_;  // As settled.
  };

  absl::StatusOr<Spoken> Speak(const ActingAs& as, const ObjectKey& key, const Value* wanted);
  static KubeRequest Request(const ActingAs& as, const Spoken& spoken, const std::string& name);
  absl::StatusOr<KubeRequest> ApplyRequest(const ActingAs& as, const WantedObject& object,
                                           bool dry_run, Spoken* spoken);
  // The scope that the key lies in, followed for the application from now on.
  std::shared_ptr<Reflector> Follow(const ActingAs& as, const KindInfo& kind,
                                    const std::string& namespace_name) ABSL_LOCKS_EXCLUDED(mutex_);
  void FollowAll(const ActingAs& as) ABSL_LOCKS_EXCLUDED(mutex_);
  void Tell(const LiveScope& scope, const std::vector<ObjectKey>& keys) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Observation> Look(const ActingAs& as, const LookAt& look, const Spoken& spoken,
                                   const Cancellation& cancel, bool* read);

  // Whether it belongs to the agent itself: its namespace, and all in it (SECURITY A-50).
  bool IsOwn(const Spoken& spoken, const std::string& name) const;

  // Fixed at construction.
  const std::string own_namespace_;  // Where the agent's pod is; empty outside of one.
  const Clock* const clock_;
  KubeHttp requests_;
  KubeHttp watches_;
  Discovery discovery_;

  struct Application {
    std::set<ObjectKey> keys;
    std::string default_namespace;
    Changed changed;
  };
  // Its key of this object, if it has one; pure.
  static const ObjectKey* FindKey(const Application& application, const ObjectKey& settled);

  Mutex mutex_;
  std::map<LiveScope, std::shared_ptr<Followed>> followed_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Application> applications_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  ThreadPool lister_{"kube-list", 1};  // Last: its tasks use all of the above.
};

}  // namespace lockstep
