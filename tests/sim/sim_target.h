#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/reconcile.h"
#include "tests/sim/world.h"
#include "tests/testing/memory_target.h"

namespace lockstep::sim {

/// A MemoryTarget that is called object by object: between two of them time passes, others act, and
/// the caller may die. With `marks_objects` false it is as a directory: no UIDs, no owners.
class SimTarget : public Target {
 public:
  struct Listener {
    /// Before each object. False: the process that called is no more.
    std::function<bool()> alive;
    std::function<void(const ActingAs&, const ObjectKey&, const Value&)> before_write;
    std::function<void(const ActingAs&, const ObjectKey&)> before_delete;
  };

  explicit SimTarget(World* world) : world_(*world) {}

  /// Of the run under way. Runs nest; each sets its own and puts the one before back.
  Listener Listen(Listener listener) { return std::exchange(listener_, std::move(listener)); }

  TargetKind kind() const override { return TargetKind::kDirectory; }
  Capabilities capabilities() const override { return target_.capabilities(); }
  absl::StatusOr<std::string> Uid() override { return target_.Uid(); }
  std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs& as,
                                                const std::vector<ObjectKey>& keys,
                                                absl::string_view namespace_) override {
    return target_.Settle(as, keys, namespace_);
  }
  std::vector<absl::StatusOr<Observation>> Observe(const ActingAs& as,
                                                   const std::vector<LookAt>& objects,
                                                   const Cancellation& cancel) override;
  std::vector<absl::Status> Validate(const ActingAs& as, const std::vector<WantedObject>& stage,
                                     const Cancellation& cancel) override;
  std::vector<absl::StatusOr<Written>> Apply(const ActingAs& as,
                                             const std::vector<WantedObject>& objects,
                                             const Cancellation& cancel) override;
  std::vector<absl::Status> Delete(const ActingAs& as, const std::vector<DeleteRequest>& objects,
                                   const Cancellation& cancel) override;
  absl::Status Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                     Changed changed) override {
    return target_.Watch(as, keys, std::move(changed));
  }
  void Stop() override { target_.Stop(); }

  MemoryTarget& objects() { return target_; }
  /// Until OK is set, every call ends in this.
  void SetDown(absl::Status down) { down_ = std::move(down); }

 private:
  // OK where the next object may be begun.
  absl::Status Step(const Cancellation& cancel);

  World& world_;
  MemoryTarget target_;
  Listener listener_;
  absl::Status down_;
};

}  // namespace lockstep::sim
