#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "hub/core/delta_cache.h"

/// What must reach an agent in one message. Pure.
namespace lockstep {

/// What one target takes from its application at the agent, and what it brings.
struct TargetMoves {
  std::shared_ptr<const KeyMoves> loses;  // Its `lost` counts.
  std::shared_ptr<const KeyMoves> gains;  // Its `gained` counts.
  std::vector<uint64_t> named;            // Deleted by name, as HashOfKey.
  bool may_lose_anything =
      false;  // What the agent holds of it, or what of it waits to be deleted, is not known.
};

/// The number of each target's group, counted from 0 in the order of their first members.
///
/// A key that one application loses and another gains moves (a hand-over, G-18): apart, the agent
/// would refuse the one that comes first or delete what the other claims. A group is all that hangs
/// together by such keys. Linear in the keys; at once where nothing is lost.
std::vector<size_t> HandOverGroups(const std::vector<TargetMoves>& targets);

}  // namespace lockstep
