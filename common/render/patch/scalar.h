#pragma once

#include <string>

#include "common/object/value.h"

namespace lockstep::patch {

/// A scalar's text: as it was written where that is known, otherwise as JSON has it; "" for lists
/// and mappings.
std::string TextOf(const Value& value);

/// What says nothing: null, {} or [].
bool IsNullOrEmpty(const Value& value);

}  // namespace lockstep::patch
