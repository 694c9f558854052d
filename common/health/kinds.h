#pragma once

#include <optional>
#include <string>

#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/status/health.h"

namespace lockstep {

/// What a rule says of an object.
struct Judgement {
  Health health = Health::kUnknown;
  std::string message;
};

/// The rule for one of Kubernetes' own kinds; null for all others.
using KindRule = Judgement (*)(const Value& object);
KindRule FindKindRule(absl::string_view group, absl::string_view kind);

/// What the conditions say that any controller may set.
Judgement JudgeConditions(const Value& object);

// Their files: workloads.cc, pod.cc, batch.cc, cluster_kinds.cc.
Judgement JudgeDeployment(const Value& object);
Judgement JudgeStatefulSet(const Value& object);
Judgement JudgeDaemonSet(const Value& object);
Judgement JudgeReplicaSet(const Value& object);
Judgement JudgeReplicationController(const Value& object);
Judgement JudgePod(const Value& object);
Judgement JudgeJob(const Value& object);
Judgement JudgeCronJob(const Value& object);
Judgement JudgeAutoscaler(const Value& object);
Judgement JudgeDisruptionBudget(const Value& object);
Judgement JudgeVolumeClaim(const Value& object);
Judgement JudgeVolume(const Value& object);
Judgement JudgeService(const Value& object);
Judgement JudgeIngress(const Value& object);
Judgement JudgeApiService(const Value& object);
Judgement JudgeCustomResourceDefinition(const Value& object);
Judgement JudgeNamespace(const Value& object);

}  // namespace lockstep
