#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// Names a field of a resource, for messages and for finding its place in the file.
class FieldPath {
 public:
  FieldPath() = default;

  FieldPath Field(absl::string_view name) const;  // "spec" → "spec.interval".
  FieldPath Item(size_t index) const;  // "spec.placement.clusters" → "spec.placement.clusters[2]".
  FieldPath Key(absl::string_view key)
      const;  // "metadata.labels" → "metadata.labels[app.kubernetes.io/name]".

  std::string ToString() const;
  /// The place of the field in `document`, or of the innermost part of the way that is there.
  Place In(const Value& document) const;
  /// Whether both are the same field, or one lies in the other.
  bool Overlaps(const FieldPath& other) const;

 private:
  struct Step {
    enum class Kind { kField, kItem, kKey } kind;
    std::string name;
    size_t index = 0;

    friend bool operator==(const Step&, const Step&) = default;
  };
  std::vector<Step> steps_;
};

/// Something wrong with a field.
struct FieldError {
  FieldPath field;
  std::string message;

  /// "spec.interval: message".
  std::string ToString() const;
};

}  // namespace lockstep
