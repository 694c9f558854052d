#include "common/health/fields.h"

#include <cmath>

#include <absl/strings/str_cat.h>

namespace lockstep {

const Value* At(const Value& value, FieldPath path) {
  const Value* at = &value;
  for (const absl::string_view key : path) {
    at = at->Find(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

absl::string_view TextAt(const Value& value, FieldPath path) {
  const Value* at = At(value, path);
  return at != nullptr && at->IsString() ? absl::string_view(at->AsString()) : absl::string_view();
}

std::optional<int64_t> IntAt(const Value& value, FieldPath path) {
  const Value* at = At(value, path);
  if (at == nullptr) return std::nullopt;
  if (at->IsInt()) return at->AsInt();
  if (at->IsDouble() && std::abs(at->AsDouble()) < 9e15) {
    return static_cast<int64_t>(at->AsDouble());
  }
  return std::nullopt;
}

bool FlagAt(const Value& value, FieldPath path) {
  const Value* at = At(value, path);
  return at != nullptr && at->IsBool() && at->AsBool();
}

const Value::Array& ListAt(const Value& value, FieldPath path) {
  static const auto* const empty = new Value::Array();
  const Value* at = At(value, path);
  return at != nullptr && at->IsArray() ? at->AsArray() : *empty;
}

absl::string_view Annotation(const Value& object, absl::string_view key) {
  return TextAt(object, {"metadata", "annotations", key});
}

std::optional<Condition> FindCondition(const Value& object, absl::string_view type) {
  for (const Value& item : ListAt(object, {"status", "conditions"})) {
    if (item.StringAt("type") != type) continue;
    const std::optional<int64_t> seen = IntAt(item, {"observedGeneration"});
    const std::optional<int64_t> generation = IntAt(object, {"metadata", "generation"});
    return Condition{.status = item.StringAt("status"),
                     .reason = item.StringAt("reason"),
                     .message = item.StringAt("message"),
                     .stale = seen.has_value() && generation.has_value() && *seen < *generation};
  }
  return std::nullopt;
}

std::string Explain(absl::string_view reason, absl::string_view message,
                    absl::string_view otherwise) {
  if (message.empty()) return std::string(reason.empty() ? otherwise : reason);
  return reason.empty() ? std::string(message) : absl::StrCat(reason, ": ", message);
}

std::string Explain(const Condition& condition, absl::string_view otherwise) {
  return Explain(condition.reason, condition.message, otherwise);
}

std::optional<std::string> StaleMessage(const Value& object) {
  const std::optional<int64_t> seen = IntAt(object, {"status", "observedGeneration"});
  const std::optional<int64_t> generation = IntAt(object, {"metadata", "generation"});
  if (!seen.has_value() || !generation.has_value() || *seen >= *generation) return std::nullopt;
  return absl::StrCat("its controller has seen generation ", *seen, " of ", *generation);
}

absl::string_view GroupOf(const Value& object) {
  const absl::string_view version = object.StringAt("apiVersion");
  const size_t slash = version.find('/');
  return slash == absl::string_view::npos ? absl::string_view() : version.substr(0, slash);
}

}  // namespace lockstep
