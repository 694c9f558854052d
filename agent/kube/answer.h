#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/kube/http.h"
#include "common/object/value.h"

namespace lockstep {

/// What an answer of an API server means for what asked.
enum class KubeOutcome : uint8_t {
  kDone,
  kRetry,        // The same request may go well in a moment: after `retry_after` where it is said.
  kWait,         // It may go well once something else has happened: a namespace, a kind.
  kFix,          // A person has to change the object.
  kImmutable,    // As kFix, and it would go if the object were made anew (APPLY 1, recreate).
  kConflict,     // Another manager owns a field.
  kForbidden,    // The account lacks a right.
  kUnknownUser,  // The credentials are not taken.
  kAbsent,       // The object is not there.
  kChanged,      // It is another object than was meant, or another version of it.
  kExpired,      // The version is gone: list again.
};

/// An answer, read. The rows are in tests/agent/kube/answer_test.cc, as a real server gave them.
struct KubeAnswer {
  struct Cause {
    std::string reason;  // "FieldValueInvalid", "FieldManagerConflict", …
    std::string field;   // ".spec.replicas" or "spec.replicas": as the server wrote it.
    std::string message;
  };

  KubeOutcome outcome = KubeOutcome::kDone;
  std::string reason;   // The server's word, "Invalid"; empty where it gives none.
  std::string message;  // For a person; long echoes of the object cut out.
  std::vector<Cause> causes;
  absl::Duration retry_after = absl::ZeroDuration();
};

/// Reads an answer of any code to a request about one of `resource` ("configmaps"), which tells an
/// object that is not there from a namespace that is not. Pure.
KubeAnswer ReadAnswer(const KubeResponse& response, absl::string_view resource);

/// Reads the `object` of a watch's ERROR event, which is a Status like any other.
KubeAnswer ReadStatusObject(const Value& status);

/// OK for kDone; else the status that Target's callers expect (agent/target/target.h): UNAVAILABLE
/// for kRetry and kWait, INVALID_ARGUMENT for kFix and kImmutable, ABORTED for kConflict,
/// PERMISSION_DENIED, UNAUTHENTICATED, NOT_FOUND, FAILED_PRECONDITION for kChanged, OUT_OF_RANGE
/// for kExpired.
absl::Status ToStatus(const KubeAnswer& answer);

}  // namespace lockstep
