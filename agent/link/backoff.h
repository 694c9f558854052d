#pragma once

#include <optional>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/base/random.h"
#include "common/bundle/link.h"

namespace lockstep {

inline constexpr absl::Duration kBackoffFirst = absl::Milliseconds(500);
inline constexpr absl::Duration kBackoffMax = absl::Seconds(60);

/// How the last stream ended, as far as the next attempt is concerned.
struct LinkEnd {
  int failures = 0;  // Attempts in a row that did not come to a Welcome; 0: this one did.
  absl::Duration spread = absl::ZeroDuration();  // The Welcome's.
  std::optional<Goodbye> goodbye;
  absl::Status status;  // Of the stream, or why there was none.
};

/// What the hub said where it does not let this agent in, in words for a person; OK where it said
/// nothing of the kind: it is not there, busy or going down.
absl::Status RefusalOf(const LinkEnd& end);

/// How long to wait before the next attempt. The delays are full jitter, so that a fleet that lost
/// its hub does not come back at one moment:
///
///     the hub named a time          that time, which it drew by chance
///     removed, revoked, version     5 to 10 minutes: nothing changes by itself
///     replaced                      30 to 60 seconds: another agent has the same identity
///     after a Welcome               0 to spread
///     n attempts failed             0 to min(60 s, 0.5 s × 2^n)
///
/// Source: docs/protocol.md "Reconnect".
absl::Duration ReconnectDelay(const LinkEnd& end, Rng* rng);

/// Whether, after so many failures in a row, the hub may take a certificate for expired that looks
/// good by this machine's clock, which may be behind: past its renewal, and every third time only.
bool MayBeExpired(int failures, absl::Time now, absl::Time renew_at);

/// Whether, after so many failures in a row, it is time to ask at the other door what is wrong: a
/// hub that refuses a key closes the connection without a word.
bool AsksWhy(int failures);

}  // namespace lockstep
