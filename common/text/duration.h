#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// Reads Go's syntax, such as "1m30s", "1.5h" or "300ms": numbers each with a unit of ns, us, ms,
/// s, m or h; "0" needs none.
///
/// INVALID_ARGUMENT for anything else and for what is over 100 years. A sign is read, so that the
/// caller can say that the duration must be positive.
absl::StatusOr<absl::Duration> ParseGoDuration(absl::string_view text);

/// In the same syntax, without units that are zero: "1m30s", "1h", "1.5s", "300ms", "0s".
std::string FormatGoDuration(absl::Duration duration);

}  // namespace lockstep
