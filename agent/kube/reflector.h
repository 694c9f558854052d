#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "agent/kube/discovery.h"
#include "agent/kube/http.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/object/object_key.h"
#include "common/object/value.h"

namespace lockstep {

/// What is kept of one object of the cluster.
struct LiveObject {
  std::string uid;
  std::string version;         // Its resourceVersion.
  std::optional<Digest> mark;  // MarkOf its managedFields.
  std::string owner;           // NAMESPACE/NAME of the application that its labels name.
  bool deleting = false;       // It has a deletionTimestamp.
};

/// Reads what is kept from an object or its metadata alone.
LiveObject ReadLive(const Value& object);

/// The labels that name the application an object belongs to.
inline constexpr absl::string_view kApplicationLabel = "lockstep.dev/application";
inline constexpr absl::string_view kApplicationNamespaceLabel =
    "lockstep.dev/application-namespace";

/// What a Reflector looks at, and as whom.
struct LiveScope {
  KindInfo kind;
  std::string version;     // Of the API.
  std::string namespace_;  // Empty: all of them, or a kind that is not namespaced.
  std::string user;        // Impersonated; empty: the agent itself.

  friend bool operator<(const LiveScope& a, const LiveScope& b) {
    return std::tie(a.kind.group, a.kind.kind, a.version, a.namespace_, a.user) <
           std::tie(b.kind.group, b.kind.kind, b.version, b.namespace_, b.user);
  }
};

/// All objects of one scope as the cluster has them: listed once, then followed by a watch.
///
/// A watch that ends well (servers end them after some minutes) goes on from where it was; one that
/// breaks or is told that it is too old leaves the objects unknown, says so through `changed`
/// without keys, and the next Sync lists again. After a break a new watch is started only when
/// kBreakFirst, doubling to kBreakMax, has passed; until then every Sync lists. Thread-safe.
class Reflector {
 public:
  /// Called on the thread of `watches`: others changed these objects; no keys: any of them.
  using Changed = std::function<void(std::vector<ObjectKey> keys)>;

  /// `requests`, `watches` (two, see KubeHttp) and `clock` are borrowed and outlive this.
  Reflector(LiveScope scope, KubeHttp* requests, KubeHttp* watches, const Clock* clock,
            Changed changed);
  /// Ends the watch. `watches` must be stopped, or Stop have been called, before this goes.
  ~Reflector();

  /// Lists where the objects are not known; blocks. Errors as the server's answer says (see
  /// ToStatus), UNAVAILABLE where it does not answer: then the objects stay unknown, never absent.
  absl::Status Sync(const std::function<bool()>& cancelled) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Whether the objects are known and a watch keeps them so.
  bool IsFollowing() ABSL_LOCKS_EXCLUDED(mutex_);

  /// After Sync: the object, or nothing where there is none.
  std::optional<LiveObject> Find(const std::string& namespace_name, const std::string& name)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// A write of our own begins: what is heard of the object until EndWrite is held back, since the
  /// watch may tell of it before the answer comes.
  void BeginWrite(const std::string& namespace_name, const std::string& name)
      ABSL_LOCKS_EXCLUDED(mutex_);
  /// It has ended, with `answer` (null: it failed, or was a dry run). What others did meanwhile is
  /// told by `changed` on this thread.
  void EndWrite(const std::string& namespace_name, const std::string& name, const Value* answer)
      ABSL_LOCKS_EXCLUDED(mutex_);
  /// The write was a delete, and was taken: neither its end nor what happened before is news.
  void Forget(const std::string& namespace_name, const std::string& name)
      ABSL_LOCKS_EXCLUDED(mutex_);

  /// Ends the watch and waits until no call of `changed` comes any more.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  static constexpr absl::Duration kBreakFirst = absl::Seconds(1);
  static constexpr absl::Duration kBreakMax = absl::Minutes(5);

 private:
  using Name = std::pair<std::string, std::string>;  // Namespace, name.

  enum class Watching : uint8_t { kNo, kYes };

  absl::StatusOr<std::string> List(std::map<Name, LiveObject>* objects,
                                   const std::function<bool()>& cancelled);
  void StartWatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnLine(absl::string_view line) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnEnd(const absl::StatusOr<KubeResponse>& answer) ABSL_LOCKS_EXCLUDED(mutex_);
  /// Whether `event` is news, and takes it in.
  bool Take(absl::string_view type, const Value& object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return watching_ == Watching::kNo; }

  // Fixed at construction.
  const LiveScope scope_;
  KubeHttp* const requests_;
  KubeHttp* const watches_;
  const Clock* const clock_;
  const Changed changed_;

  Mutex mutex_;
  std::map<Name, LiveObject> objects_ ABSL_GUARDED_BY(mutex_);
  std::map<Name, bool> writing_ ABSL_GUARDED_BY(mutex_);  // Whether there was news meanwhile.
  std::map<Name, std::string> forgotten_ ABSL_GUARDED_BY(mutex_);  // UIDs whose end is to come.
  bool known_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::string version_ ABSL_GUARDED_BY(mutex_);  // To watch from.
  Watching watching_ ABSL_GUARDED_BY(mutex_) = Watching::kNo;
  uint64_t watch_ ABSL_GUARDED_BY(mutex_) = 0;
  bool expired_ ABSL_GUARDED_BY(mutex_) = false;  // An ERROR event came.
  absl::Duration watch_began_ ABSL_GUARDED_BY(mutex_);
  absl::Duration break_ ABSL_GUARDED_BY(mutex_) = kBreakFirst;
  absl::Duration watch_again_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
};

}  // namespace lockstep
