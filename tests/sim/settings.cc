#include "tests/sim/settings.h"

#include "common/base/random.h"

namespace lockstep::sim {

Settings DrawSettings(uint64_t seed) {
  SeededRng rng(seed * 2 + 1);
  // Half of the faults are absent from a seed, so that the others have room.
  const auto chance = [&](double most) {
    if (rng.Below(2) == 0) return 0.0;
    return most * static_cast<double>(1 + rng.Below(100)) / 100;
  };
  Settings settings;
  settings.seed = seed;
  settings.agents = 2 + static_cast<int>(rng.Below(2));
  settings.applications = 3 + static_cast<int>(rng.Below(3));
  settings.repositories = 1 + static_cast<int>(rng.Below(2));
  settings.hub_crash = chance(0.01);
  settings.agent_crash = chance(0.01);
  settings.power_loss = chance(1);
  settings.append_fails = chance(0.01);
  settings.stream_breaks = chance(0.03);
  settings.repeats = chance(0.1);
  settings.fetch_fails = chance(0.3);
  settings.disk_full = chance(0.05);
  settings.target_fails = chance(0.05);
  settings.foreign_writes = chance(0.5);
  settings.restores = rng.Below(4) == 0 ? 0.3 : 0;
  settings.delay_max = rng.Below(4) == 0 ? absl::Seconds(3) : absl::Milliseconds(50);
  settings.marks_objects = rng.Below(2) == 0;
  settings.sync_fails = chance(0.01);
  settings.spells = chance(0.3);
  // A world is small: so are its messages, or nothing is ever split or fetched.
  if (rng.Below(2) == 0) settings.desired_bytes = 400 + rng.Below(2000);
  if (rng.Below(2) == 0) settings.delta_bytes = rng.Below(500);
  settings.documents_lost = chance(0.3);
  settings.config_repository = rng.Below(4) == 0;
  if (settings.config_repository) {
    // Enough for the guard over what vanishes.
    settings.applications = 6;
    settings.repositories = 2;
  }
  return settings;
}

}  // namespace lockstep::sim
