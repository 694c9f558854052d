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

absl::Status RefusalOf(const LinkEnd& end) {
  if (end.failures == 0) return absl::OkStatus();
  if (end.goodbye.has_value()) {
    switch (end.goodbye->reason) {
      case Goodbye::Reason::kRemoved:
      case Goodbye::Reason::kRevoked:
      case Goodbye::Reason::kVersion:
      case Goodbye::Reason::kReplaced:
        return absl::PermissionDeniedError(end.goodbye->message);
      case Goodbye::Reason::kShutdown:
      case Goodbye::Reason::kBusy:
        return absl::OkStatus();
    }
  }
  const bool refused = absl::IsPermissionDenied(end.status) || absl::IsUnauthenticated(end.status);
  return refused ? end.status : absl::OkStatus();
}

bool AsksWhy(int failures) { return failures == 2 || (failures > 0 && failures % 12 == 0); }

bool MayBeExpired(int failures, absl::Time now, absl::Time renew_at) {
  return failures > 0 && failures % 3 == 0 && now >= renew_at;
}

}  // namespace lockstep
