#pragma once

#include <cstdint>
#include <optional>

#include <absl/strings/string_view.h>

namespace lockstep {

/// How one object is, in Argo CD's words.
enum class Health : uint8_t {
  kHealthy,
  kProgressing,  // Not yet; it may become so by itself.
  kDegraded,     // It will not become healthy by itself.
  kSuspended,    // Somebody stopped it.
  kMissing,
  kUnknown,  // Nobody can tell.
};

/// As shown to people: "Healthy".
absl::string_view HealthName(Health health);

/// The health with exactly this name; nothing for any other word.
std::optional<Health> ParseHealth(absl::string_view name);

}  // namespace lockstep
