#pragma once

#include <optional>
#include <string>

#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/status/health.h"

namespace lockstep {

/// What a rule says of an object.
struct Verdict {
  Health health = Health::kUnknown;
  std::string message;
};

/// The rule for one of Kubernetes' own kinds; null for all others.
using KindRule = Verdict (*)(const Value& object);
KindRule FindKindRule(absl::string_view group, absl::string_view kind);

/// What the conditions say that any controller may set.
Verdict JudgeConditions(const Value& object);

// Their files: workloads.cc, pod.cc, batch.cc, cluster_kinds.cc.
Verdict JudgeDeployment(const Value& object);
Verdict JudgeStatefulSet(const Value& object);
Verdict JudgeDaemonSet(const Value& object);
Verdict JudgeReplicaSet(const Value& object);
Verdict JudgeReplicationController(const Value& object);
Verdict JudgePod(const Value& object);
Verdict JudgeJob(const Value& object);
Verdict JudgeCronJob(const Value& object);
Verdict JudgeAutoscaler(const Value& object);
Verdict JudgeDisruptionBudget(const Value& object);
Verdict JudgeVolumeClaim(const Value& object);
Verdict JudgeVolume(const Value& object);
Verdict JudgeService(const Value& object);
Verdict JudgeIngress(const Value& object);
Verdict JudgeApiService(const Value& object);
Verdict JudgeCustomResourceDefinition(const Value& object);
Verdict JudgeNamespace(const Value& object);

}  // namespace lockstep
