#pragma once

#include <optional>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/digest.h"
#include "common/object/value.h"

/// What an object's managedFields tell (server-side apply): which fields are ours, and who took
/// them. Pure. Found to be enough to see drift without comparing objects: a foreign write of
/// another value moves the field out of our entry, a removal takes it out, and what others write
/// beside it leaves our entry as it was.
namespace lockstep {

/// The name under which this agent applies.
inline constexpr absl::string_view kFieldManager = "lockstep";

/// Our Apply entry, as one digest: equal for two answers of the server exactly if nobody changed a
/// field of ours in between. Nothing where there is no such entry. Its time counts too, since
/// another program that applies under our name leaves the fields equal.
std::optional<Digest> MarkOf(const Value& metadata);

/// A field that should be ours and is not.
struct LostField {
  std::string path;     // ".spec.replicas", ".data.key", ".spec.containers[name=\"web\"].image".
  std::string manager;  // Who has it now; empty where nobody has (it was removed).
  absl::Time time = absl::InfinitePast();  // When they wrote; InfinitePast where it is not said.
};

/// The fields that `wanted` sets and our entry in `metadata` does not hold, in wanted's order; at
/// most `most`.
std::vector<LostField> LostFields(const Value& wanted, const Value& metadata, size_t most = 16);

}  // namespace lockstep
