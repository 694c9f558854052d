#pragma once

#include <string>
#include <vector>

#include "common/object/value.h"

namespace lockstep {

/// The fields that `wanted` sets and in which `live` differs, at most `most`: what the server added
/// (defaults, status, other managers' fields) does not count. Lists of objects that all have a
/// "name" are compared by it, others by position and length. Pure.
///
/// It may name a field that means the same in another notation ("1000m" and "1"): then one apply
/// too many is made, never one too few.
std::vector<std::string> DifferentFields(const Value& wanted, const Value& live, size_t most = 16);

}  // namespace lockstep
