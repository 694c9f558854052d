#include "hub/fleet/field_path.h"

#include <algorithm>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>

namespace lockstep {

FieldPath FieldPath::Field(absl::string_view name) const {
  FieldPath path = *this;
  path.steps_.push_back({Step::Kind::kField, std::string(name)});
  return path;
}

FieldPath FieldPath::Item(size_t index) const {
  FieldPath path = *this;
  path.steps_.push_back({Step::Kind::kItem, "", index});
  return path;
}

FieldPath FieldPath::Key(absl::string_view key) const {
  FieldPath path = *this;
  path.steps_.push_back({Step::Kind::kKey, std::string(key)});
  return path;
}

std::string FieldPath::ToString() const {
  std::string text;
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Step::Kind::kField:
        absl::StrAppend(&text, text.empty() ? "" : ".", absl::CHexEscape(step.name));
        break;
      case Step::Kind::kItem:
        absl::StrAppend(&text, "[", step.index, "]");
        break;
      case Step::Kind::kKey:
        absl::StrAppend(&text, "[", absl::CHexEscape(step.name), "]");
        break;
    }
  }
  return text;
}

Place FieldPath::In(const Value& document) const {
  const Value* value = &document;
  for (const Step& step : steps_) {
    const Value* next = nullptr;
    if (step.kind != Step::Kind::kItem) {
      next = value->Find(step.name);
    } else if (value->IsArray() && step.index < value->AsArray().size()) {
      next = &value->AsArray()[step.index];
    }
    if (next == nullptr) break;
    value = next;
  }
  return value->place();
}

bool FieldPath::Overlaps(const FieldPath& other) const {
  const size_t shorter = std::min(steps_.size(), other.steps_.size());
  return std::equal(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(shorter),
                    other.steps_.begin());
}

std::string FieldError::ToString() const {
  const std::string name = field.ToString();
  return name.empty() ? message : absl::StrCat(name, ": ", message);
}

}  // namespace lockstep
