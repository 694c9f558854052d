#pragma once

#include <string>

#include <absl/time/time.h>

#include "common/object/value.h"
#include "common/status/health.h"

namespace lockstep {

class HealthRules;

/// The most that a message holds; longer ones end in "…".
inline constexpr size_t kHealthMessageBytesMax = 512;

struct HealthAssessment {
  Health health = Health::kUnknown;
  std::string message;  // UTF-8, for a person: what is wrong or awaited. Empty where all is well.
  std::string judge;    // Who said so: "built-in", "conditions", or the rule's origin.
  bool rule_failed = false;  // A Lua rule broke; the message says where.
};

/// How `object`, as an API server returns it, is at `now` (which only Lua rules ask for).
///
/// The first of these that has an answer: being deleted (Progressing); the user's rules; the
/// shipped rules; the rules for Kubernetes' own kinds; `observedGeneration` and the conditions
/// Stalled, Reconciling, Ready and Available. What has none of that is Healthy once it exists. A
/// rule that breaks makes Unknown. Never fails, whatever the object holds. Safe from any thread.
/// Source: docs/health.md.
HealthAssessment AssessHealth(const Value& object, const HealthRules& rules, absl::Time now);

}  // namespace lockstep
