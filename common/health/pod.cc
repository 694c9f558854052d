// Pods: status as Argo CD has it, and the message of the container that is to blame.

#include <algorithm>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/health/fields.h"
#include "common/health/kinds.h"

namespace lockstep {
namespace {

// "OOMKilled, exit code 137", "Error, exit code 1", "signal 9".
std::string EndOf(const Value& terminated) {
  std::string text(terminated.StringAt("reason"));
  const auto code = IntAt(terminated, {"exitCode"});
  const auto signal = IntAt(terminated, {"signal"});
  if (code.has_value()) absl::StrAppend(&text, text.empty() ? "" : ", ", "exit code ", *code);
  if (signal.value_or(0) > 0) absl::StrAppend(&text, ", signal ", *signal);
  const absl::string_view message = terminated.StringAt("message");
  if (!message.empty()) absl::StrAppend(&text, text.empty() ? "" : ": ", message);
  return text;
}

// Reasons to wait that do not pass by themselves: ErrImagePull, ImagePullBackOff, CrashLoopBackOff,
// CreateContainerConfigError, …
bool IsBadWait(absl::string_view reason) {
  return absl::StartsWith(reason, "Err") || absl::EndsWith(reason, "Error") ||
         absl::EndsWith(reason, "BackOff");
}

std::string ContainerName(const Value& container) {
  return absl::StrCat("container \"", container.StringAt("name"), "\"");
}

// ", restarted 3 times", or "".
std::string Restarts(const Value& container) {
  const int64_t restarts = IntAt(container, {"restartCount"}).value_or(0);
  if (restarts <= 0) return "";
  return absl::StrCat(", restarted ", restarts, restarts == 1 ? " time" : " times");
}

// How the container ended before, and how often it was started again; "" where it never ended.
std::string LastEnd(const Value& container) {
  const Value* last = At(container, {"lastState", "terminated"});
  if (last == nullptr) return Restarts(container);
  return absl::StrCat("; it last ended with ", EndOf(*last), Restarts(container));
}

// What is wrong with one container that waits; "" where nothing is.
std::string BadWait(const Value& container) {
  const Value* waiting = At(container, {"state", "waiting"});
  if (waiting == nullptr || !IsBadWait(waiting->StringAt("reason"))) return "";
  return absl::StrCat(ContainerName(container), ": ",
                      Explain(waiting->StringAt("reason"), waiting->StringAt("message")),
                      LastEnd(container));
}

// All containers whose wait is bad, in one line.
std::string BadWaits(const Value& pod, absl::string_view list) {
  std::string text;
  for (const Value& container : ListAt(pod, {"status", list})) {
    const std::string one = BadWait(container);
    if (!one.empty()) absl::StrAppend(&text, text.empty() ? "" : "; ", one);
  }
  return text;
}

// A pod that its owner lets end: hooks, jobs, one-shot tools.
bool RunsForEver(const Value& pod) {
  const absl::string_view policy = TextAt(pod, {"spec", "restartPolicy"});
  if (policy.empty() || policy == "Always") return true;
  return Annotation(pod, "argocd.argoproj.io/ignore-restart-policy") == "true" &&
         Annotation(pod, "argocd.argoproj.io/hook").empty() &&
         Annotation(pod, "helm.sh/hook").empty();
}

Judgement JudgePending(const Value& pod) {
  const auto scheduled = FindCondition(pod, "PodScheduled");
  if (scheduled.has_value() && scheduled->IsFalse()) {
    return {Health::kProgressing,
            absl::StrCat("it is on no node yet: ", Explain(*scheduled, "not scheduled"))};
  }
  for (const absl::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    std::string bad = BadWaits(pod, list);
    if (!bad.empty()) return {Health::kProgressing, std::move(bad)};
  }
  const absl::string_view said = TextAt(pod, {"status", "message"});
  if (!said.empty()) return {Health::kProgressing, std::string(said)};
  for (const absl::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Value& container : ListAt(pod, {"status", list})) {
      const Value* waiting = At(container, {"state", "waiting"});
      if (waiting == nullptr) continue;
      return {Health::kProgressing,
              absl::StrCat(ContainerName(container), ": ",
                           Explain(waiting->StringAt("reason"), waiting->StringAt("message"),
                                   "it has not started yet"))};
    }
  }
  return {Health::kProgressing, "its containers have not started yet"};
}

Judgement JudgeFailed(const Value& pod) {
  const absl::string_view said = TextAt(pod, {"status", "message"});
  if (!said.empty()) {
    return {Health::kDegraded, Explain(TextAt(pod, {"status", "reason"}), said)};
  }
  for (const absl::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    for (const Value& container : ListAt(pod, {"status", list})) {
      const Value* ended = At(container, {"state", "terminated"});
      if (ended == nullptr) continue;
      if (IntAt(*ended, {"exitCode"}).value_or(0) == 0 &&
          ended->StringAt("reason") != "OOMKilled" && ended->StringAt("message").empty()) {
        continue;
      }
      return {Health::kDegraded,
              absl::StrCat(ContainerName(container), " ended with ", EndOf(*ended))};
    }
  }
  return {Health::kDegraded, Explain(TextAt(pod, {"status", "reason"}), "", "the pod failed")};
}

Judgement JudgeRunning(const Value& pod) {
  if (!RunsForEver(pod)) {
    std::string bad = BadWaits(pod, "containerStatuses");
    return {Health::kProgressing, bad.empty() ? "it runs and has not ended yet" : std::move(bad)};
  }
  const auto ready = FindCondition(pod, "Ready");
  if (ready.has_value() && ready->IsTrue()) return {Health::kHealthy, ""};
  for (const Value& container : ListAt(pod, {"status", "containerStatuses"})) {
    if (At(container, {"lastState", "terminated"}) == nullptr) continue;
    const Value* now = At(container, {"state", "terminated"});
    return {Health::kDegraded,
            now != nullptr
                ? absl::StrCat(ContainerName(container), " ended with ", EndOf(*now),
                               Restarts(container))
                : absl::StrCat(ContainerName(container), " is not ready", LastEnd(container))};
  }
  return {Health::kProgressing,
          ready.has_value() ? Explain(*ready, "it is not ready") : std::string("it is not ready")};
}

}  // namespace

Judgement JudgePod(const Value& pod) {
  // Not where the pod may end: a hook that is given up too early would run on unexpectedly.
  if (RunsForEver(pod)) {
    std::string bad = BadWaits(pod, "containerStatuses");
    if (!bad.empty()) return {Health::kDegraded, std::move(bad)};
  }
  const absl::string_view phase = TextAt(pod, {"status", "phase"});
  if (phase == "Pending") return JudgePending(pod);
  if (phase == "Running") return JudgeRunning(pod);
  if (phase == "Succeeded")
    return {Health::kHealthy, std::string(TextAt(pod, {"status", "message"}))};
  if (phase == "Failed") return JudgeFailed(pod);
  if (phase.empty()) return {Health::kProgressing, "it is not scheduled yet"};
  return {Health::kUnknown,
          Explain(TextAt(pod, {"status", "reason"}), TextAt(pod, {"status", "message"}),
                  absl::StrCat("its phase is ", phase))};
}

}  // namespace lockstep
