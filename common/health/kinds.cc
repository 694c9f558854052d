#include "common/health/kinds.h"

#include <algorithm>
#include <iterator>

#include <absl/strings/str_cat.h>

#include "common/health/fields.h"

namespace lockstep {
namespace {

struct Row {
  absl::string_view group;
  absl::string_view kind;
  KindRule rule;
};

constexpr Row kRows[] = {
    {"apps", "Deployment", JudgeDeployment},
    {"extensions", "Deployment", JudgeDeployment},
    {"apps", "StatefulSet", JudgeStatefulSet},
    {"apps", "DaemonSet", JudgeDaemonSet},
    {"extensions", "DaemonSet", JudgeDaemonSet},
    {"apps", "ReplicaSet", JudgeReplicaSet},
    {"extensions", "ReplicaSet", JudgeReplicaSet},
    {"", "ReplicationController", JudgeReplicationController},
    {"", "Pod", JudgePod},
    {"batch", "Job", JudgeJob},
    {"batch", "CronJob", JudgeCronJob},
    {"autoscaling", "HorizontalPodAutoscaler", JudgeAutoscaler},
    {"policy", "PodDisruptionBudget", JudgeDisruptionBudget},
    {"", "PersistentVolumeClaim", JudgeVolumeClaim},
    {"", "PersistentVolume", JudgeVolume},
    {"", "Service", JudgeService},
    {"networking.k8s.io", "Ingress", JudgeIngress},
    {"extensions", "Ingress", JudgeIngress},
    {"apiregistration.k8s.io", "APIService", JudgeApiService},
    {"apiextensions.k8s.io", "CustomResourceDefinition", JudgeCustomResourceDefinition},
    {"", "Namespace", JudgeNamespace},
};

}  // namespace

KindRule FindKindRule(absl::string_view group, absl::string_view kind) {
  const auto* const row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& known) {
    return known.kind == kind && known.group == group;
  });
  return row == std::end(kRows) ? nullptr : row->rule;
}

Judgement JudgeConditions(const Value& object) {
  if (auto stale = StaleMessage(object)) return {Health::kProgressing, *std::move(stale)};
  const auto stalled = FindCondition(object, "Stalled");
  if (stalled.has_value() && stalled->IsTrue()) {
    return {Health::kDegraded, Explain(*stalled, "it is stalled")};
  }
  const auto reconciling = FindCondition(object, "Reconciling");
  if (reconciling.has_value() && reconciling->IsTrue()) {
    return {Health::kProgressing, Explain(*reconciling, "it is being reconciled")};
  }
  for (const absl::string_view type : {"Ready", "Available"}) {
    const auto condition = FindCondition(object, type);
    if (!condition.has_value()) continue;
    if (condition->stale) {
      return {Health::kProgressing,
              absl::StrCat("its condition ", type, " speaks of an older generation")};
    }
    if (condition->IsTrue()) return {Health::kHealthy, ""};
    return {Health::kProgressing,
            Explain(*condition, absl::StrCat("its condition ", type, " is not True"))};
  }
  return {Health::kHealthy, ""};
}

}  // namespace lockstep
