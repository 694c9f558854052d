#include "common/base/random.h"

#include <algorithm>
#include <cstdlib>
#include <sys/random.h>

namespace lockstep {
namespace {

void Fill(char* at, size_t count) {
  while (count > 0) {
    const ssize_t got = getrandom(at, count, 0);
    if (got < 0) std::abort();  // Only EINTR can happen, and only for more than 256 bytes at once.
    at += got;
    count -= static_cast<size_t>(got);
  }
}

class KernelRng : public Rng {
 public:
  uint64_t Next() override {
    uint64_t bits;
    Fill(reinterpret_cast<char*>(&bits), sizeof bits);
    return bits;
  }
};

}  // namespace

Rng* SystemRng() {
  static KernelRng rng;
  return &rng;
}

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t at = 0; at < count; at += 256) Fill(&bytes[at], std::min<size_t>(256, count - at));
  return bytes;
}

}  // namespace lockstep
