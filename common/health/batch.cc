// Jobs, scheduled jobs, autoscalers and disruption budgets.

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/health/fields.h"
#include "common/health/kinds.h"
#include "common/object/json.h"

namespace lockstep {

Judgement JudgeJob(const Value& object) {
  const auto failed = FindCondition(object, "Failed");
  if (failed.has_value() && failed->IsTrue()) {
    return {Health::kDegraded, Explain(*failed, "the job failed")};
  }
  const auto complete = FindCondition(object, "Complete");
  if (complete.has_value() && complete->IsTrue()) {
    return {Health::kHealthy, std::string(complete->message)};
  }
  const auto suspended = FindCondition(object, "Suspended");
  if (suspended.has_value() && suspended->IsTrue()) {
    return {Health::kSuspended,
            std::string(suspended->message.empty() ? "Job suspended" : suspended->message)};
  }
  if (FlagAt(object, {"spec", "suspend"})) return {Health::kSuspended, "Job suspended"};
  const int64_t active = IntAt(object, {"status", "active"}).value_or(0);
  const int64_t ended = IntAt(object, {"status", "succeeded"}).value_or(0);
  const int64_t broken = IntAt(object, {"status", "failed"}).value_or(0);
  const auto target = FindCondition(object, "FailureTarget");
  std::string text = absl::StrCat(active, active == 1 ? " pod runs, " : " pods run, ", ended,
                                  " succeeded, ", broken, " failed");
  if (target.has_value() && target->IsTrue()) {
    absl::StrAppend(&text, "; it is about to fail: ", Explain(*target));
  }
  return {Health::kProgressing, std::move(text)};
}

Judgement JudgeCronJob(const Value& object) {
  if (FlagAt(object, {"spec", "suspend"})) return {Health::kSuspended, "no runs are scheduled"};
  return {Health::kHealthy, ""};
}

namespace {

bool IsScalingFailure(absl::string_view type, absl::string_view reason) {
  if (type == "AbleToScale") return reason == "FailedGetScale" || reason == "FailedUpdateScale";
  if (type != "ScalingActive") return false;
  return reason == "InvalidSelector" || reason == "FailedGetResourceMetric" ||
         reason == "FailedGetContainerResourceMetric" || reason == "FailedGetPodsMetric" ||
         reason == "FailedGetObjectMetric" || reason == "FailedGetExternalMetric";
}

Judgement JudgeScaling(const Value::Array& conditions) {
  for (const Value& condition : conditions) {
    if (IsScalingFailure(condition.StringAt("type"), condition.StringAt("reason"))) {
      return {Health::kDegraded,
              Explain(condition.StringAt("reason"), condition.StringAt("message"))};
    }
  }
  std::string waits;
  for (const Value& condition : conditions) {
    const absl::string_view type = condition.StringAt("type");
    if (type != "AbleToScale" && type != "ScalingLimited") continue;
    if (condition.StringAt("status") == "True") {
      return {Health::kHealthy, std::string(condition.StringAt("message"))};
    }
    if (type == "AbleToScale") {
      waits = Explain(condition.StringAt("reason"), condition.StringAt("message"));
    }
  }
  return {Health::kProgressing,
          waits.empty() ? "it has not scaled anything yet" : std::move(waits)};
}

}  // namespace

Judgement JudgeAutoscaler(const Value& object) {
  const Value::Array& conditions = ListAt(object, {"status", "conditions"});
  // Version 1 has its conditions in an annotation.
  const absl::string_view note = Annotation(object, "autoscaling.alpha.kubernetes.io/conditions");
  if (!conditions.empty() || note.empty()) return JudgeScaling(conditions);
  const absl::StatusOr<Value> parsed = ReadJson(note, "conditions");
  if (!parsed.ok() || !parsed->IsArray()) {
    return {Health::kUnknown,
            "the annotation autoscaling.alpha.kubernetes.io/conditions is no list of conditions"};
  }
  return JudgeScaling(parsed->AsArray());
}

Judgement JudgeDisruptionBudget(const Value& object) {
  if (auto stale = StaleMessage(object)) return {Health::kProgressing, *std::move(stale)};
  const auto allowed = FindCondition(object, "DisruptionAllowed");
  if (allowed.has_value() && allowed->reason == "SyncFailed") {
    return {Health::kDegraded, Explain(*allowed)};
  }
  // Allowing no disruption is what a budget is for.
  return {Health::kHealthy, ""};
}

}  // namespace lockstep
