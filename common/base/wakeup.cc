#include "common/base/wakeup.h"

#include <algorithm>
#include <cstdint>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/base/log.h"

namespace lockstep {

Wakeup::Wakeup() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.valid()) return;
  Log(LogLevel::kError, "no descriptor left for a timer; raise the limit of open files", {});
  abort();
}

void Wakeup::Wake() {
  const uint64_t one = 1;
  // Full after 2^64 wakes that nobody waited for: then it is awake anyway.
  [[maybe_unused]] const ssize_t written = write(event_.get(), &one, sizeof one);
}

bool Wakeup::Wait(absl::Duration timeout) {
  pollfd wait = {event_.get(), POLLIN, 0};
  const timespec time = absl::ToTimespec(std::max(timeout, absl::ZeroDuration()));
  // The kernel measures it on the monotonic clock.
  const bool forever = timeout == absl::InfiniteDuration();
  const int ready = ppoll(&wait, 1, forever ? nullptr : &time, nullptr);
  if (ready == 0) return false;
  uint64_t wakes = 0;
  [[maybe_unused]] const ssize_t got = read(event_.get(), &wakes, sizeof wakes);
  return true;
}

}  // namespace lockstep
