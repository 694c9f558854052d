#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "hub/core/turn.h"

/// Keys that may not connect any more: SECURITY D-2, A-54.
namespace lockstep {

/// Revocations are kept for so long: a certificate lives 24 h and can be renewed for 7 days after.
inline constexpr absl::Duration kRevokedKept = absl::Hours(30 * 24);
/// The oldest give way; their keys are still no enrolled ones.
inline constexpr size_t kRevokedKeysMax = 2'000;

/// Revokes a key: recorded, told to the shell and to agents, which keep it should the hub lose its
/// state; its session ended.
void RevokeKey(Turn& turn, const std::string& cluster, const Digest& fingerprint);

/// What agents told a hub that is behind of revoked keys is its own knowledge from now on. Returns
/// of how many keys.
size_t KeepHeardRevocations(Turn& turn);

/// What an agent says of keys that this hub does not know as revoked counts at once, for open
/// sessions too: they may have come before that agent did.
void HearRevocations(Turn& turn, const std::vector<Digest>& fingerprints);

}  // namespace lockstep
