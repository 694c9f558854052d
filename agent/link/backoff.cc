#include "agent/link/backoff.h"

#include <algorithm>

namespace lockstep {

absl::Duration ReconnectDelay(const LinkEnd& end, Rng* rng) {
  if (end.goodbye) {
    switch (end.goodbye->reason) {
      case Goodbye::Reason::kRemoved:
      case Goodbye::Reason::kRevoked:
      case Goodbye::Reason::kVersion:
        return rng->Between(absl::Minutes(5), absl::Minutes(10));
      case Goodbye::Reason::kReplaced:
        return rng->Between(absl::Seconds(30), absl::Seconds(60));
      case Goodbye::Reason::kShutdown:
      case Goodbye::Reason::kBusy:
        if (end.goodbye->retry_after > absl::ZeroDuration()) return end.goodbye->retry_after;
        break;
    }
  }
  if (end.failures == 0) return rng->Between(absl::ZeroDuration(), end.spread);
  const int doublings = std::min(end.failures, 10);
  return rng->Between(absl::ZeroDuration(),
                      std::min(kBackoffMax, kBackoffFirst * (1 << doublings)));
}

bool MayBeExpired(int failures, absl::Time now, absl::Time renew_at) {
  return failures > 0 && failures % 3 == 0 && now >= renew_at;
}

}  // namespace lockstep
