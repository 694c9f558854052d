#pragma once

#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// Puts `context` before the message of `status` ("context: message"), keeping its code; OK stays
/// OK.
///
/// A layer adds what only it knows, once (STYLE: errors are part of the interface).
absl::Status Annotate(const absl::Status& status, absl::string_view context);

}  // namespace lockstep

#define LOCKSTEP_CONCAT_INNER_(a, b) a##b
#define LOCKSTEP_CONCAT_(a, b) LOCKSTEP_CONCAT_INNER_(a, b)

/// Returns the status of `expression` from the enclosing function unless it is OK.
#define LOCKSTEP_RETURN_IF_ERROR(expression)                                    \
  do {                                                                          \
    if (absl::Status lockstep_status_ = (expression); !lockstep_status_.ok()) { \
      return lockstep_status_;                                                  \
    }                                                                           \
  } while (false)

/// Assigns the value of the StatusOr `expression` to `target`, or returns its status.
#define LOCKSTEP_ASSIGN_OR_RETURN(target, expression) \
  LOCKSTEP_ASSIGN_OR_RETURN_IMPL_(LOCKSTEP_CONCAT_(lockstep_or_, __LINE__), target, expression)

#define LOCKSTEP_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                       \
  if (!result.ok()) return std::move(result).status();              \
  target = *std::move(result)
