#pragma once

#include <cstdint>
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
    Kind kind = Kind::kTest;
    std::string path;
    std::string from;  // Of kMove and kCopy.
    Value value;       // Null where the operation names none.
    Place place;
    /// Why it cannot be carried out: an unknown `op`, no `path`. Said where it is applied, so that
    /// a patch without a target passes, as it does in kustomize.
    absl::Status fault;
  };

  std::vector<Operation> operations;
  std::string file;  // For messages.
};

/// Reads a patch: JSON where the text begins with '[', otherwise YAML, of which the first document
/// counts. `lines_before` is the number of lines in `file` before the text.
///
/// INVALID_ARGUMENT, with FILE:LINE:COLUMN, for what is no list of mappings; RESOURCE_EXHAUSTED for
/// over 10,000 operations. `file` is the name that
/// messages show.
absl::StatusOr<JsonPatch> ParseJsonPatch(absl::string_view text, absl::string_view file,
                                         uint32_t lines_before = 0);

/// Applies the operations in order; where one fails, `target` is left between two of them.
///
/// As json-patch 4.13 does it, which departs from the RFC: `replace` of a missing key adds it,
/// `copy` of a missing key writes null, `add` without a value too, `test` of a missing key against
/// null passes, an index below zero counts from the end, and what stands before the first slash of
/// a path is ignored. Afterwards the whole resource is what JSON makes of it: scalars have lost how
/// they were written.
///
/// Errors: INVALID_ARGUMENT for an operation that does not apply or a test that fails, beginning
/// with the patch's FILE:LINE:COLUMN; RESOURCE_EXHAUSTED where copies make more than 200,000
/// values.
absl::Status ApplyJsonPatch(Value* target, const JsonPatch& patch);

}  // namespace lockstep
