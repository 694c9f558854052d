#include "common/render/kustomize/decode.h"

#include <algorithm>

#include <absl/strings/match.h>

#include "common/object/json.h"
#include "common/text/nearest.h"

namespace lockstep::kustomize {
namespace {

absl::string_view NameOfType(Value::Type type) {
  switch (type) {
    case Value::Type::kString:
      return "a string";
    case Value::Type::kBool:
      return "true or false";
    case Value::Type::kInt:
      return "an integer";
    case Value::Type::kArray:
      return "a list";
    default:
      return "a mapping";
  }
}

}  // namespace

std::string FieldPath::ToString() const {
  const std::string before = parent == nullptr ? "" : parent->ToString();
  if (name.empty()) return parent == nullptr ? "" : absl::StrCat(before, "[", index, "]");
  return before.empty() ? std::string(name) : absl::StrCat(before, ".", name);
}

absl::Status Decoder::Expect(Value::Type type, const Value& value, const FieldPath& path) const {
  if (value.type() == type) return absl::OkStatus();
  const std::string field = path.ToString();
  const bool scalar = value.IsNumber() || value.IsBool();
  return Error(value, absl::StrCat(field.empty() ? "the document" : field, " must be ",
                                   NameOfType(type), ", not a ", value.TypeName(),
                                   scalar && type == Value::Type::kString ? "; quote it" : ""));
}

absl::Status Decoder::Unknown(const Value& value, const FieldPath& path, absl::string_view name,
                              const Fields& fields) const {
  std::vector<std::string> names;
  for (const Field& field : fields) names.emplace_back(field.name);
  const std::string near = NearestWord(name, names);
  const FieldPath full = {.parent = &path, .name = name};
  return Error(value, absl::StrCat("unknown field \"", full.ToString(), "\"",
                                   near.empty() ? "; remove it"
                                                : absl::StrCat("; did you mean \"", near, "\"?")));
}

absl::Status Decoder::Object(const Value& value, const FieldPath& path,
                             const Fields& fields) const {
  if (value.IsNull()) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kObject, value, path));
  for (const lockstep::Object::Member& member : value.AsObject()) {
    auto field = std::find_if(fields.begin(), fields.end(),
                              [&member](const Field& each) { return each.name == member.key; });
    if (field == fields.end()) {
      field = std::find_if(fields.begin(), fields.end(), [&member](const Field& each) {
        return absl::EqualsIgnoreCase(each.name, member.key);
      });
    }
    if (field == fields.end()) {
      if (strictness_ == Strictness::kLenient) continue;
      return Unknown(member.value, path, member.key, fields);
    }
    if (member.value.IsNull()) continue;
    LOCKSTEP_RETURN_IF_ERROR(field->decode(member.value, {.parent = &path, .name = field->name}));
  }
  return absl::OkStatus();
}

Decoder::Decode Decoder::String(std::string* out) const {
  return [this, out](const Value& value, const FieldPath& path) {
    if (strictness_ != Strictness::kStrict && (value.IsNumber() || value.IsBool())) {
      *out = CanonicalJson(value);
      return absl::OkStatus();
    }
    LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kString, value, path));
    *out = value.AsString();
    return absl::OkStatus();
  };
}

Decoder::Decode Decoder::String(Text* out) const {
  return [this, out](const Value& value, const FieldPath& path) {
    out->place = value.place();
    return String(&out->text)(value, path);
  };
}

Decoder::Decode Decoder::Bool(bool* out) const {
  return [this, out](const Value& value, const FieldPath& path) {
    LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kBool, value, path));
    *out = value.AsBool();
    return absl::OkStatus();
  };
}

Decoder::Decode Decoder::Integer(int64_t* out) const {
  return [this, out](const Value& value, const FieldPath& path) {
    LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kInt, value, path));
    *out = value.AsInt();
    return absl::OkStatus();
  };
}

Decoder::Decode Decoder::Strings(std::vector<Text>* out) const {
  return List<Text>(out, [this](const Value& item, const FieldPath& path, Text* text) {
    text->place = item.place();
    return item.IsNull() ? absl::OkStatus() : String(text)(item, path);
  });
}

Decoder::Decode Decoder::StringMap(std::map<std::string, std::string>* out) const {
  return [this, out](const Value& value, const FieldPath& path) {
    LOCKSTEP_RETURN_IF_ERROR(Expect(Value::Type::kObject, value, path));
    for (const lockstep::Object::Member& member : value.AsObject()) {
      std::string& text = (*out)[member.key];
      if (member.value.IsNull()) continue;
      LOCKSTEP_RETURN_IF_ERROR(String(&text)(member.value, {.parent = &path, .name = member.key}));
    }
    return absl::OkStatus();
  };
}

Decoder::Decode Decoder::Keep(const Value** out) const {
  return [out](const Value& value, const FieldPath&) {
    *out = &value;
    return absl::OkStatus();
  };
}

}  // namespace lockstep::kustomize
