// Kinds that keep a number of pods. Rules: Argo CD's, with kstatus's default of one replica.

#include <absl/strings/str_cat.h>

#include "common/health/fields.h"
#include "common/health/kinds.h"

namespace lockstep {
namespace {

int64_t StatusCount(const Value& object, absl::string_view key) {
  return IntAt(object, {"status", key}).value_or(0);
}

// Why pods cannot be made, where the controller says so: "; FailedCreate: exceeded quota …".
std::string FailureSuffix(const Value& object) {
  const auto failure = FindCondition(object, "ReplicaFailure");
  if (!failure.has_value() || !failure->IsTrue()) return "";
  const std::string text = Explain(*failure);
  return text.empty() ? "" : absl::StrCat("; ", text);
}

Judgement Waiting(absl::string_view what, const Value& object) {
  return {Health::kProgressing, absl::StrCat(what, FailureSuffix(object))};
}

// A spec that no controller has seen yet: it must have been, for kinds whose controller always says
// which generation it saw.
std::optional<Judgement> NotObserved(const Value& object) {
  if (auto stale = StaleMessage(object)) return Judgement{Health::kProgressing, *std::move(stale)};
  if (IntAt(object, {"metadata", "generation"}).value_or(0) > 0 &&
      !IntAt(object, {"status", "observedGeneration"}).has_value()) {
    return Judgement{Health::kProgressing, "its controller has not seen it yet"};
  }
  return std::nullopt;
}

}  // namespace

Judgement JudgeDeployment(const Value& object) {
  if (FlagAt(object, {"spec", "paused"})) return {Health::kSuspended, "the rollout is paused"};
  if (auto verdict = NotObserved(object)) return *std::move(verdict);
  const auto progressing = FindCondition(object, "Progressing");
  if (progressing.has_value() && progressing->reason == "ProgressDeadlineExceeded") {
    return {Health::kDegraded, absl::StrCat(Explain(*progressing), FailureSuffix(object))};
  }
  const int64_t wanted = IntAt(object, {"spec", "replicas"}).value_or(1);
  const int64_t updated = StatusCount(object, "updatedReplicas");
  const int64_t all = StatusCount(object, "replicas");
  const int64_t available = StatusCount(object, "availableReplicas");
  if (updated < wanted) {
    return Waiting(absl::StrCat(updated, " of ", wanted, " new pods are made"), object);
  }
  if (all > updated) {
    return Waiting(all - updated == 1 ? "1 old pod is still there"
                                      : absl::StrCat(all - updated, " old pods are still there"),
                   object);
  }
  if (available < updated) {
    return Waiting(absl::StrCat(available, " of ", updated, " new pods are available"), object);
  }
  return {Health::kHealthy, ""};
}

Judgement JudgeStatefulSet(const Value& object) {
  if (auto stale = StaleMessage(object)) return {Health::kProgressing, *std::move(stale)};
  if (StatusCount(object, "observedGeneration") == 0) {
    return {Health::kProgressing, "its controller has not seen it yet"};
  }
  const int64_t wanted = IntAt(object, {"spec", "replicas"}).value_or(1);
  const int64_t ready = StatusCount(object, "readyReplicas");
  const int64_t updated = StatusCount(object, "updatedReplicas");
  if (ready < wanted) {
    return Waiting(absl::StrCat(ready, " of ", wanted, " pods are ready"), object);
  }
  const absl::string_view strategy = TextAt(object, {"spec", "updateStrategy", "type"});
  if (strategy == "OnDelete") return {Health::kHealthy, ""};
  const auto partition =
      IntAt(object, {"spec", "updateStrategy", "rollingUpdate", "partition"}).value_or(0);
  const Value* rolling = At(object, {"spec", "updateStrategy", "rollingUpdate"});
  if (rolling != nullptr && rolling->IsObject()) {
    if (updated < wanted - partition) {
      return Waiting(absl::StrCat(updated, " of ", wanted - partition, " pods are updated",
                                  partition > 0 ? " (the others are kept by its partition)" : ""),
                     object);
    }
    return {Health::kHealthy, ""};
  }
  if (TextAt(object, {"status", "updateRevision"}) !=
      TextAt(object, {"status", "currentRevision"})) {
    return Waiting(absl::StrCat(updated, " of ", wanted, " pods are updated"), object);
  }
  return {Health::kHealthy, ""};
}

Judgement JudgeDaemonSet(const Value& object) {
  if (auto verdict = NotObserved(object)) return *std::move(verdict);
  if (TextAt(object, {"spec", "updateStrategy", "type"}) == "OnDelete") {
    return {Health::kHealthy, ""};
  }
  const int64_t wanted = StatusCount(object, "desiredNumberScheduled");
  const int64_t updated = StatusCount(object, "updatedNumberScheduled");
  const int64_t available = StatusCount(object, "numberAvailable");
  if (updated < wanted) {
    return Waiting(absl::StrCat(updated, " of ", wanted, " nodes run the new pod"), object);
  }
  if (available < wanted) {
    return Waiting(absl::StrCat("on ", available, " of ", wanted, " nodes the pod is available"),
                   object);
  }
  return {Health::kHealthy, ""};
}

Judgement JudgeReplicaSet(const Value& object) {
  if (auto verdict = NotObserved(object)) return *std::move(verdict);
  return JudgeReplicationController(object);
}

Judgement JudgeReplicationController(const Value& object) {
  if (auto stale = StaleMessage(object)) return {Health::kProgressing, *std::move(stale)};
  const auto failure = FindCondition(object, "ReplicaFailure");
  if (failure.has_value() && failure->IsTrue()) {
    return {Health::kDegraded, Explain(*failure, "pods cannot be made")};
  }
  const int64_t wanted = IntAt(object, {"spec", "replicas"}).value_or(1);
  const int64_t available = StatusCount(object, "availableReplicas");
  if (available < wanted) {
    return {Health::kProgressing, absl::StrCat(available, " of ", wanted, " pods are available")};
  }
  return {Health::kHealthy, ""};
}

}  // namespace lockstep
