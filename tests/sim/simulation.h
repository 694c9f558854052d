#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include <absl/time/time.h>

#include "tests/sim/settings.h"

namespace lockstep::sim {

/// What became of one seed.
struct Outcome {
  std::string failure;  // Empty: every invariant held. Else when, where and which one did not.
  uint64_t steps = 0;
  uint64_t messages = 0;
  uint64_t writes = 0;
  uint64_t deletes = 0;
  absl::Duration settled_after;  // From the end of the faults until nothing was left to do.
};

/// Runs one world from its settings, on the caller's thread. The same settings give the same
/// outcome. With `trace` every step worth a line is printed.
Outcome Simulate(const Settings& settings, std::ostream* trace = nullptr);

}  // namespace lockstep::sim
