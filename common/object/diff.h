#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/object/value.h"

namespace lockstep {

/// One field that two values do not agree on.
struct FieldDifference {
  std::string path;  // ".spec.containers[0].image"; odd keys as ["a/b"]; "" for the whole value.
  const Value* before = nullptr;  // Null where it was added. Borrowed from the argument.
  const Value* after = nullptr;   // Null where it was removed. Borrowed from the argument.
};

/// The fields in which `after` differs from `before`, at most `most` of them: in the order of
/// `before`, then what was added. Lists are compared by position; a member or item that one side
/// lacks is one difference, however large.
std::vector<FieldDifference> DiffValues(const Value& before, const Value& after, size_t most = 64);

}  // namespace lockstep
