#include "common/status/health.h"

#include <utility>

namespace lockstep {
namespace {

constexpr std::pair<Health, absl::string_view> kNames[] = {
    {Health::kHealthy, "Healthy"},   {Health::kProgressing, "Progressing"},
    {Health::kDegraded, "Degraded"}, {Health::kSuspended, "Suspended"},
    {Health::kMissing, "Missing"},   {Health::kUnknown, "Unknown"},
};

}  // namespace

absl::string_view HealthName(Health health) {
  for (const auto& [value, name] : kNames) {
    if (value == health) return name;
  }
  return "Unknown";
}

std::optional<Health> ParseHealth(absl::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

}  // namespace lockstep
