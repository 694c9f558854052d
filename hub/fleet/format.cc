#include "hub/fleet/format.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/strip.h>
#include <absl/time/time.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include "common/text/duration.h"
#include "hub/fleet/resource.h"

namespace lockstep {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Value FieldToValue(const Message& message, const FieldDescriptor& field);

bool IsSecretValue(const FieldDescriptor& field) {
  return field.full_name() == "lockstep.v1.Secret.data" ||
         field.full_name() == "lockstep.v1.Secret.string_data";
}

Value MessageToValue(const Message& message) {
  if (const auto* duration = dynamic_cast<const google::protobuf::Duration*>(&message)) {
    return Value::String(FormatGoDuration(absl::Seconds(duration->seconds()) +
                                          absl::Nanoseconds(duration->nanos())));
  }
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    // Whole seconds, as in Kubernetes.
    return Value::String(absl::FormatTime(
        "%Y-%m-%d%ET%H:%M:%SZ", absl::FromUnixSeconds(time->seconds()), absl::UTCTimeZone()));
  }
  return ToValue(message);
}

Value MapToValue(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::pair<std::string, Value>> entries;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    entries.emplace_back(entry.GetReflection()->GetString(entry, field.message_type()->map_key()),
                         FieldToValue(entry, *field.message_type()->map_value()));
  }
  // Protobuf's maps have no order of their own.
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Value value = Value::MakeObject();
  for (auto& [key, item] : entries) value.AsObject().Set(key, std::move(item));
  return value;
}

Value ListToValue(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  Value::Array items;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      items.push_back(MessageToValue(reflection.GetRepeatedMessage(message, &field, i)));
    } else {
      items.push_back(Value::String(reflection.GetRepeatedString(message, &field, i)));
    }
  }
  return Value::MakeArray(std::move(items));
}

Value FieldToValue(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_map()) return MapToValue(message, field);
  if (field.is_repeated()) return ListToValue(message, field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return Value::Bool(reflection.GetBool(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return Value::Int(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return Value::Int(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Value::Uint(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Value::Uint(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Value::Double(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Value::Double(reflection.GetFloat(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Value::String(reflection.GetEnum(message, &field)->name());
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageToValue(reflection.GetMessage(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      break;
  }
  const std::string text = reflection.GetString(message, &field);
  return field.type() == FieldDescriptor::TYPE_BYTES ? Value::String(absl::Base64Escape(text))
                                                     : Value::String(text);
}

}  // namespace

Value ToValue(const Message& message) {
  Value value = Value::MakeObject();
  Object& object = value.AsObject();
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  absl::string_view name = type.full_name();
  if (absl::ConsumePrefix(&name, "lockstep.v1.") && KindFromName(name).has_value()) {
    object.Set("apiVersion", Value::String("lockstep.dev/v1"));
    object.Set("kind", Value::String(name));
  }
  std::vector<const FieldDescriptor*> present;
  message.GetReflection()->ListFields(message, &present);
  std::sort(present.begin(), present.end(),
            [](const auto* a, const auto* b) { return a->index() < b->index(); });
  for (const FieldDescriptor* field : present) {
    if (IsSecretValue(*field)) continue;
    object.Set(field->json_name(), FieldToValue(message, *field));
  }
  return value;
}

}  // namespace lockstep
