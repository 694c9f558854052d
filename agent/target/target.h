#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/apply/observation.h"
#include "common/base/clock.h"
#include "common/bundle/link.h"
#include "common/object/object_key.h"
#include "common/object/value.h"

namespace lockstep {

/// Asks work under way to end. Thread-safe.
///
/// Work asks before every object. Where more than kPauseMax lies between two questions the program
/// stood still (a suspended machine, a stopped process): what was planned before is stale and the
/// work ends as if cancelled (FAULTS F-05).
class Cancellation {
 public:
  static constexpr absl::Duration kPauseMax = absl::Minutes(1);

  Cancellation() = default;
  /// `clock` is borrowed and outlives this.
  explicit Cancellation(const Clock* clock) : clock_(clock), asked_(Ticks()) {}

  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const {
    if (clock_ != nullptr) {
      const int64_t now = Ticks();
      const int64_t before = asked_.exchange(now, std::memory_order_relaxed);
      if (now - before > kPauseMax / absl::Milliseconds(1)) cancelled_.store(true);
    }
    return cancelled_.load(std::memory_order_relaxed);
  }

 private:
  int64_t Ticks() const { return absl::ToInt64Milliseconds(clock_->Monotonic()); }

  // Fixed at construction.
  const Clock* const clock_ = nullptr;

  mutable std::atomic<bool> cancelled_{false};
  mutable std::atomic<int64_t> asked_{0};  // Milliseconds.
};

/// For whom a call is made.
struct ActingAs {
  std::string application;  // NAMESPACE/NAME: the owner marker, where the target has one.
  std::string account;  // The service account to be, in the namespace of the application; empty:
                        // the agent itself.
  std::string default_namespace = "default";  // Of keys that name none and need one.
};

/// One object as it should be.
struct WantedObject {
  ObjectKey key;
  Value value;
};

/// One object to look at.
struct LookAt {
  ObjectKey key;
  const Value* wanted = nullptr;  // To compare with; null: only whether it is there. Borrowed.
  std::string mark;               // Of our last confirmed write; empty: not known.
  bool applied = false;           // That write was of `wanted`.
};

struct DeleteRequest {
  ObjectKey key;
  std::string uid;  // Delete only an object with this UID; empty where the target has none.
};

/// What one write left behind.
struct Written {
  std::string uid;
  std::string mark;  // See Observation::mark.
};

/// Where objects live: a directory, or a Kubernetes API server. Calls block and come in batches,
/// so that the target can run the objects of one batch side by side; answers stand in the order
/// of the requests, one per object, and one object's error leaves the others alone.
///
/// Errors of single objects: UNAVAILABLE and ABORTED heal by themselves; CANCELLED after
/// Cancellation::Cancel; FAILED_PRECONDITION where the live object is not the one that was meant;
/// RESOURCE_EXHAUSTED for a full disk or quota; INVALID_ARGUMENT and PERMISSION_DENIED for a
/// person. Thread-safe.
class Target {
 public:
  struct Capabilities {
    bool uids = false;       // Objects have UIDs and Delete checks them.
    bool owners = false;     // Objects carry the owning application.
    bool validates = false;  // Validate asks the server; else it checks what it can here.
    bool discovers = false;  // Settle may change keys.
  };

  /// Called on a thread of the target: these objects may have been changed by others. No keys:
  /// anything may have changed (notices were lost). It only hands over; it calls nothing here.
  using Changed = std::function<void(std::vector<ObjectKey> keys)>;

  virtual ~Target() = default;

  virtual TargetKind kind() const = 0;
  virtual Capabilities capabilities() const = 0;

  /// 16 bytes that tell this place from a rebuilt or cloned one; made at first use where the place
  /// has none of its own.
  virtual absl::StatusOr<std::string> Uid() = 0;

  /// The keys as the place itself calls them: a kind that is not namespaced loses its namespace, a
  /// namespaced one without gets `default_namespace`. UNAVAILABLE for a kind that is not served
  /// yet.
  virtual std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs& as,
                                                        const std::vector<ObjectKey>& keys,
                                                        absl::string_view default_namespace) = 0;

  virtual std::vector<absl::StatusOr<Observation>> Observe(const ActingAs& as,
                                                           const std::vector<LookAt>& objects,
                                                           const Cancellation& cancel) = 0;

  /// Tries a whole stage without writing (a server-side dry run).
  virtual std::vector<absl::Status> Validate(const ActingAs& as,
                                             const std::vector<WantedObject>& stage,
                                             const Cancellation& cancel) = 0;

  /// Creates or replaces each object. When it returns, what has an OK answer is durable.
  virtual std::vector<absl::StatusOr<Written>> Apply(const ActingAs& as,
                                                     const std::vector<WantedObject>& objects,
                                                     const Cancellation& cancel) = 0;

  /// Makes the namespace where the place has such things and lacks it; nothing else of it is set.
  virtual absl::Status MakeNamespace(const ActingAs&, const std::string&, const Cancellation&) {
    return absl::OkStatus();
  }

  /// OK also where the object is not there; FAILED_PRECONDITION for another UID.
  virtual std::vector<absl::Status> Delete(const ActingAs& as,
                                           const std::vector<DeleteRequest>& objects,
                                           const Cancellation& cancel) = 0;

  /// Tells `changed` of writes by others to `keys`, best effort: the interval finds what it misses.
  /// The target's own Apply and Delete are not told of. Replaces the application's earlier watch;
  /// no keys end it, but for a notice that is on its way. Returns without waiting for the place.
  virtual absl::Status Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                             Changed changed) = 0;

  /// Ends the watches: no notice comes after it returned. Idempotent.
  virtual void Stop() = 0;
};

}  // namespace lockstep
