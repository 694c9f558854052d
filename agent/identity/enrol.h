#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/identity/identity.h"

namespace lockstep {

/// Joins: makes a key, redeems `token` at one of its hubs, which must show the CA that the token
/// pins, and writes the identity to `place`. An identity that is there is replaced once the
/// new one is complete. Blocks for at most 30 s per hub. `target_uid` is 16 bytes.
///
/// Errors: INVALID_ARGUMENT for a token that is none; UNAUTHENTICATED if a server shows another CA;
/// PERMISSION_DENIED if the hub refuses the token (make a new one); UNAVAILABLE if no hub answered.
absl::StatusOr<AgentIdentity> Enrol(absl::string_view token, const IdentityPlace& place,
                                    absl::string_view target_uid, absl::Time now);

/// Gets a new certificate for the same key by proof of it, when the old one is expired, and writes
/// it. Blocks for at most 30 s per hub. Errors: PERMISSION_DENIED if the hub refuses (revoked, or
/// too long expired: join again), UNAVAILABLE if no hub answered.
absl::StatusOr<AgentIdentity> RenewAfterExpiry(const IdentityPlace& place,
                                               const AgentIdentity& identity, absl::Time now);

}  // namespace lockstep
