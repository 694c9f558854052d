#pragma once

#include <cstdint>
#include <optional>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// What a person needs the right to do. Rights are given by verb; in this version every user has
/// all of them.
enum class Verb : uint8_t {
  kRead,
  kApply,
  kDelete,
  kSync,
  kSuspend,
  kApprove,
  kClusters,  // Tokens, labels, acceptance and removal of clusters.
};

absl::string_view VerbName(Verb verb);

/// What the FleetService method called `method` does; nothing for an unknown one, which is refused
/// (SECURITY A-62).
std::optional<Verb> VerbOf(absl::string_view method);

/// OK if every method of FleetService has a verb. INTERNAL names one that has none: the hub does
/// not start then.
absl::Status CheckVerbs();

}  // namespace lockstep
