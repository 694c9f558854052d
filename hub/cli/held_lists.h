#pragma once

#include <cstdint>
#include <iosfwd>

#include <absl/status/statusor.h>

#include "lockstep/v1/fleet.pb.h"

/// Lists of deletes that wait for a person.
namespace lockstep {

using HeldListMessages = google::protobuf::RepeatedPtrField<v1::HeldList>;

/// Prints what is to be deleted where, clusters with the same list together, and returns how many
/// objects that is in all. RESOURCE_EXHAUSTED, before anything is printed, if the hub left a list's
/// objects out because all of them together are too long: nobody approves what was not shown.
absl::StatusOr<int64_t> PrintHeldLists(std::ostream& out, const HeldListMessages& lists);

/// The lists as a request names them.
HeldListMessages NameHeldLists(const HeldListMessages& lists);

}  // namespace lockstep
