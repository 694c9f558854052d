#pragma once

#include <cstddef>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

struct JsonLimits {
  size_t bytes = 64 << 20;
  size_t depth = 64;  // Lists and mappings inside one another; the outermost counts as 1.
};

/// Reads one JSON document.
///
/// Integers keep their 64 bits; larger ones are the nearest double, as in Kubernetes. Members keep
/// their order. Places are not known (0).
///
/// Errors: INVALID_ARGUMENT for what is no JSON, for a member that stands twice (its path is
/// named), for invalid UTF-8; RESOURCE_EXHAUSTED for a limit. The message is "FILE:LINE:COLUMN:
/// what is wrong; what to do", without line and column where they are not known.
absl::StatusOr<Value> ReadJson(absl::string_view bytes, absl::string_view file,
                               const JsonLimits& limits = {});

/// The one form of a value that digests are taken of: members sorted bytewise by key, no spaces,
/// numbers as Go's encoding/json prints them, UTF-8 as it is except what JSON requires to be
/// escaped. Equal values give equal bytes.
///
/// ReadJson(CanonicalJson(v)) == v for every value whose strings are UTF-8.
std::string CanonicalJson(const Value& value);

/// JSON for people and programs: members in their own order, `indent` spaces per level, no newline
/// at the end; 0 puts everything on one line.
std::string WriteJson(const Value& value, int indent = 2);

}  // namespace lockstep
