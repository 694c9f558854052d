#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/digest.h"
#include "common/object/object_key.h"
#include "common/status/health.h"

namespace lockstep {

/// What lies at one object's place.
struct Observation {
  enum class Presence : uint8_t {
    kAbsent,
    kEqual,      // As wanted, in the fields that are set.
    kDifferent,  // There, and not as wanted (or nothing was wanted).
  };

  ObjectKey key;
  Presence presence = Presence::kAbsent;
  std::string uid;    // Empty where the target has none.
  std::string owner;  // The application whose marker it carries; empty for none.
  /// Changes whenever others change what we wrote there: with it the target need not be asked for
  /// the object to know it as it was left. Empty where the target has no such thing.
  std::string mark;
  std::optional<Digest> content;    // Of the whole live object's canonical JSON, where it tells.
  std::vector<std::string> fields;  // What differs, at most 16 paths.
  std::string place;                // For messages: "file …", "object …".
  Health health = Health::kUnknown;
  std::string health_message;
};

}  // namespace lockstep
