#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include <absl/time/time.h>

namespace lockstep {

/// Where chance comes from.
class Rng {
 public:
  virtual ~Rng() = default;

  /// 64 uniform bits.
  virtual uint64_t Next() = 0;

  /// Uniform in [0, bound); `bound` must be positive.
  uint64_t Below(uint64_t bound) { return Next() % bound; }

  /// Uniform in [low, high).
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return low + (high - low) * (static_cast<double>(Next() >> 11) * 0x1.0p-53);
  }
};

/// The kernel's generator: unpredictable, thread-safe, good for keys and tokens. Lives for the
/// whole program.
Rng* SystemRng();

/// `count` bytes of the kernel's generator, for tokens and keys.
std::string RandomBytes(size_t count);

/// The same sequence for the same seed, on every machine; for tests and the simulation. Not
/// thread-safe.
class SeededRng : public Rng {
 public:
  explicit SeededRng(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace lockstep
