#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

// Reading live objects, of which nothing is taken for granted: what is absent or of another type
// reads as absent.

using FieldPath = std::initializer_list<absl::string_view>;

/// The member at `path`; null where there is none.
const Value* At(const Value& value, FieldPath path);
/// The string at `path`, or "".
absl::string_view TextAt(const Value& value, FieldPath path);
/// The number at `path`, cut to an integer; nothing where there is none.
std::optional<int64_t> IntAt(const Value& value, FieldPath path);
/// Whether `true` stands at `path`.
bool FlagAt(const Value& value, FieldPath path);
/// The list at `path`; an empty one where there is none.
const Value::Array& ListAt(const Value& value, FieldPath path);
/// The value of an annotation, or "".
absl::string_view Annotation(const Value& object, absl::string_view key);

/// One of `status.conditions`. The texts point into the object.
struct Condition {
  absl::string_view status;  // True, False or Unknown.
  absl::string_view reason;
  absl::string_view message;
  bool stale = false;  // It speaks of an older generation of the object.

  bool IsTrue() const { return status == "True"; }
  bool IsFalse() const { return status == "False"; }
};

std::optional<Condition> FindCondition(const Value& object, absl::string_view type);

/// "REASON: MESSAGE", or the one there is, or `otherwise`.
std::string Explain(absl::string_view reason, absl::string_view message,
                    absl::string_view otherwise = "");
std::string Explain(const Condition& condition, absl::string_view otherwise = "");

/// Says that the controller has not seen the newest generation; nothing where it has, or where the
/// object does not tell.
std::optional<std::string> StaleMessage(const Value& object);

/// The group of an apiVersion: "apps" of "apps/v1", "" of "v1".
absl::string_view GroupOf(const Value& object);

}  // namespace lockstep
