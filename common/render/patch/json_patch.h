#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// RFC 6902, as kustomize 5.8.1 understands it.
struct JsonPatch {
  struct Operation {
    enum class Kind { kAdd, kRemove, kReplace, kMove, kCopy, kTest };
    Kind kind;
    std::string path;
    std::string from;  // Of kMove and kCopy.
    Value value;       // Null where the operation names none.
    Place place;
  };

  std::vector<Operation> operations;
  std::string file;  // For messages.
};

/// Reads a patch: JSON where the text begins with '[', otherwise YAML, of which the first document
/// counts.
///
/// INVALID_ARGUMENT, with FILE:LINE:COLUMN, for what is no list of operations, an unknown `op`
/// (with the nearest known one), and an operation that lacks `path` or `from`. `file` is the name
/// that messages show.
absl::StatusOr<JsonPatch> ParseJsonPatch(absl::string_view text, absl::string_view file);

/// The same from a document that is read already.
absl::StatusOr<JsonPatch> ParseJsonPatch(const Value& document, absl::string_view file);

/// Applies the operations in order; where one fails, `target` is left between two of them.
///
/// As json-patch 4.13 does it, which departs from the RFC: `replace` of a missing key adds it,
/// `copy` of a missing key writes null, `test` of a missing key against null passes, an index below
/// zero counts from the end, a path is split at its slashes and what stands before the first is
/// ignored. The whole resource is afterwards what JSON makes of it: no scalar keeps the text it was
/// written as.
///
/// Errors: INVALID_ARGUMENT for an operation that does not apply or a test that fails, naming file,
/// line and path; RESOURCE_EXHAUSTED where copies make more than 200,000 values.
absl::Status ApplyJsonPatch(Value* target, const JsonPatch& patch);

}  // namespace lockstep
