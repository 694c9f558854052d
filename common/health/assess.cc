#include "common/health/assess.h"

#include <optional>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/health/fields.h"
#include "common/health/kinds.h"
#include "common/health/rules.h"
#include "common/text/utf8.h"

namespace lockstep {
namespace {

HealthAssessment Make(Judgement verdict, absl::string_view judge) {
  std::string message = ToUtf8(verdict.message);
  if (message.size() > kHealthMessageBytesMax) {
    constexpr absl::string_view kEllipsis = "…";
    size_t end = kHealthMessageBytesMax - kEllipsis.size();
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
    message.resize(end);
    absl::StrAppend(&message, kEllipsis);
  }
  return {.health = verdict.health, .message = std::move(message), .judge = std::string(judge)};
}

// A hook that Argo CD keeps until it has seen how it ended is judged although it is being deleted.
constexpr absl::string_view kHookFinalizer = "argocd.argoproj.io/hook-finalizer";

std::optional<Judgement> JudgeDeletion(const Value& object) {
  const absl::string_view since = TextAt(object, {"metadata", "deletionTimestamp"});
  if (since.empty()) return std::nullopt;
  std::string names;
  for (const Value& finalizer : ListAt(object, {"metadata", "finalizers"})) {
    if (!finalizer.IsString()) continue;
    if (finalizer.AsString() == kHookFinalizer) return std::nullopt;
    absl::StrAppend(&names, names.empty() ? "" : ", ", finalizer.AsString());
  }
  if (GroupOf(object).empty() && object.StringAt("kind") == "Namespace") {
    return JudgeNamespace(object);
  }
  return Judgement{Health::kProgressing,
                   absl::StrCat("it is being deleted since ", since,
                                names.empty() ? "" : "; it waits for the finalizers ", names)};
}

// What the rule says; nothing where it leaves the answer to others.
std::optional<HealthAssessment> Ask(const LuaRule* rule, const Value& object, absl::Time now) {
  if (rule == nullptr) return std::nullopt;
  absl::StatusOr<std::optional<Judgement>> verdict = rule->Run(object, now);
  if (!verdict.ok()) {
    HealthAssessment broken = Make(
        {Health::kUnknown, absl::StrCat("the health rule broke: ", verdict.status().message())},
        rule->origin());
    broken.rule_failed = true;
    return broken;
  }
  if (!verdict->has_value()) return std::nullopt;
  return Make(**std::move(verdict), rule->origin());
}

}  // namespace

HealthAssessment AssessHealth(const Value& object, const HealthRules& rules, absl::Time now) {
  if (auto deletion = JudgeDeletion(object)) return Make(*std::move(deletion), "built-in");
  const absl::string_view group = GroupOf(object);
  const absl::string_view kind = object.StringAt("kind");
  if (auto answer = Ask(rules.FindUserRule(group, kind), object, now)) return *std::move(answer);
  if (auto answer = Ask(HealthRules::FindShippedRule(group, kind), object, now)) {
    return *std::move(answer);
  }
  if (const KindRule rule = FindKindRule(group, kind); rule != nullptr) {
    return Make(rule(object), "built-in");
  }
  return Make(JudgeConditions(object), "conditions");
}

}  // namespace lockstep
