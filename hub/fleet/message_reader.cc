#include "hub/fleet/message_reader.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include <absl/status/statusor.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>

#include "common/text/duration.h"
#include "common/text/nearest.h"
#include "hub/fleet/refused_fields.h"

namespace lockstep {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Expected(absl::string_view wanted, const Value& value) {
  std::string found;
  if (value.IsString()) {
    found = "text";
  } else {
    found = absl::StrCat(value.IsInt() || value.IsUint() ? "an " : "a ", value.TypeName());
  }
  return absl::StrCat("is ", found, ", not ", wanted);
}

class MessageReader {
 public:
  explicit MessageReader(std::vector<FieldError>* errors) : errors_(errors) {}

  void Read(const Value& value, const FieldPath& path, Message* message) {
    if (!value.IsObject()) {
      Fault(path, Expected("a mapping", value));
      return;
    }
    const Descriptor& type = *message->GetDescriptor();
    for (const Object::Member& member : value.AsObject()) {
      const FieldPath here = path.Field(member.key);
      if (IsSetByHub(type.full_name(), member.key)) continue;
      const FieldDescriptor* field = FindField(type, member.key);
      if (field == nullptr) {
        Fault(here, WhyUnknown(type, member.key));
      } else if (!member.value.IsNull()) {
        ReadField(member.value, here, *field, message);
      }
    }
  }

 private:
  void Fault(const FieldPath& path, std::string message) {
    errors_->push_back({path, std::move(message)});
  }

  static const FieldDescriptor* FindField(const Descriptor& type, absl::string_view name) {
    for (int i = 0; i < type.field_count(); ++i) {
      if (type.field(i)->json_name() == name) return type.field(i);
    }
    return nullptr;
  }

  static std::string WhyUnknown(const Descriptor& type, absl::string_view name) {
    const absl::string_view why = WhyRefused(type.full_name(), name);
    if (!why.empty()) return std::string(why);
    std::vector<std::string> known;
    for (int i = 0; i < type.field_count(); ++i) {
      if (!IsSetByHub(type.full_name(), type.field(i)->json_name())) {
        known.push_back(type.field(i)->json_name());
      }
    }
    const std::string near = NearestWord(name, known);
    return near.empty() ? "unknown field; remove it"
                        : absl::StrCat("unknown field; did you mean \"", near, "\"?");
  }

  void ReadField(const Value& value, const FieldPath& path, const FieldDescriptor& field,
                 Message* message) {
    if (field.is_map()) {
      ReadMap(value, path, field, message);
    } else if (field.is_repeated()) {
      ReadList(value, path, field, message);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Message* part = message->GetReflection()->MutableMessage(message, &field);
      if (auto* duration = dynamic_cast<google::protobuf::Duration*>(part)) {
        ReadDuration(value, path, duration);
      } else {
        Read(value, path, part);
      }
    } else {
      ReadScalar(value, path, field, message);
    }
  }

  void ReadMap(const Value& value, const FieldPath& path, const FieldDescriptor& field,
               Message* message) {
    if (!value.IsObject()) {
      Fault(path, Expected("a mapping", value));
      return;
    }
    const FieldDescriptor& key_field = *field.message_type()->map_key();
    const FieldDescriptor& value_field = *field.message_type()->map_value();
    for (const Object::Member& member : value.AsObject()) {
      if (member.value.IsNull()) continue;
      Message* entry = message->GetReflection()->AddMessage(message, &field);
      entry->GetReflection()->SetString(entry, &key_field, member.key);
      ReadScalar(member.value, path.Key(member.key), value_field, entry);
    }
  }

  void ReadList(const Value& value, const FieldPath& path, const FieldDescriptor& field,
                Message* message) {
    if (!value.IsArray()) {
      Fault(path, Expected("a list", value));
      return;
    }
    const Reflection& reflection = *message->GetReflection();
    for (size_t i = 0; i < value.AsArray().size(); ++i) {
      const Value& item = value.AsArray()[i];
      const FieldPath here = path.Item(i);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Read(item, here, reflection.AddMessage(message, &field));
      } else if (item.IsString()) {
        reflection.AddString(message, &field, item.AsString());
      } else {
        Fault(here, absl::StrCat(Expected("text", item), "; quote it"));
      }
    }
  }

  void ReadDuration(const Value& value, const FieldPath& path,
                    google::protobuf::Duration* duration) {
    if (!value.IsString()) {
      Fault(path, Expected("a duration such as \"30s\" or \"1h30m\"", value));
      return;
    }
    const absl::StatusOr<absl::Duration> parsed = ParseGoDuration(value.AsString());
    if (!parsed.ok()) {
      Fault(path, std::string(parsed.status().message()));
      return;
    }
    absl::Duration rest;
    duration->set_seconds(absl::IDivDuration(*parsed, absl::Seconds(1), &rest));
    duration->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  }

  void ReadScalar(const Value& value, const FieldPath& path, const FieldDescriptor& field,
                  Message* message) {
    const Reflection& reflection = *message->GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      if (value.IsBool()) return reflection.SetBool(message, &field, value.AsBool());
      return Fault(path, Expected("true or false", value));
    }
    if (!value.IsString()) return Fault(path, absl::StrCat(Expected("text", value), "; quote it"));
    if (field.type() != FieldDescriptor::TYPE_BYTES) {
      return reflection.SetString(message, &field, value.AsString());
    }
    std::string bytes;
    if (!absl::Base64Unescape(value.AsString(), &bytes)) {
      return Fault(path, "is no base64; stringData takes plain text");  // Never shows the value.
    }
    reflection.SetString(message, &field, std::move(bytes));
  }

  std::vector<FieldError>* const errors_;
};

}  // namespace

void ReadMessage(const Value& value, const FieldPath& path, Message* message,
                 std::vector<FieldError>* errors) {
  MessageReader(errors).Read(value, path, message);
}

}  // namespace lockstep
