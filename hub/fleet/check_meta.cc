#include <cstddef>
#include <string>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/text/duration.h"
#include "common/text/names.h"
#include "hub/fleet/checks.h"
#include "hub/remote/ssh_key.h"

namespace lockstep {
namespace {

constexpr size_t kAnnotationBytesMax = 256 << 10;  // As in Kubernetes.
constexpr size_t kSecretBytesMax = 256 << 10;

// Of lockstep.dev and what lies under it.
bool IsReserved(absl::string_view label_key) {
  const absl::string_view prefix = label_key.substr(0, label_key.find('/'));
  return absl::StrContains(label_key, "/") &&
         (prefix == "lockstep.dev" || absl::EndsWith(prefix, ".lockstep.dev"));
}

absl::Time ReadTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void ReadLabels(const v1::ObjectMeta& message, Meta& meta, std::vector<FieldError>& errors) {
  const FieldPath labels = FieldPath().Field("metadata").Field("labels");
  for (const auto& [key, value] : message.labels()) {
    Check(CheckLabelKey(key), labels.Key(key), errors);
    Check(CheckLabelValue(value), labels.Key(key), errors);
    if (IsReserved(key)) {
      errors.push_back({labels.Key(key), "lockstep.dev/ is the hub's own prefix; choose another"});
    }
    meta.labels[key] = value;
  }
}

void ReadAnnotations(const v1::ObjectMeta& message, Meta& meta, std::vector<FieldError>& errors) {
  const FieldPath annotations = FieldPath().Field("metadata").Field("annotations");
  size_t bytes = 0;
  for (const auto& [key, value] : message.annotations()) {
    Check(CheckLabelKey(key), annotations.Key(key), errors);
    bytes += key.size() + value.size();
    meta.annotations[key] = value;
  }
  if (bytes > kAnnotationBytesMax) {
    errors.push_back(
        {annotations, absl::StrCat("has ", bytes, " bytes; at most ", kAnnotationBytesMax)});
  }
}

bool IsSecretKey(absl::string_view key) {
  if (key.empty() || key.size() > 253 || key == "." || key == "..") return false;
  return key.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
         absl::string_view::npos;
}

}  // namespace

void Check(const absl::Status& status, const FieldPath& field, std::vector<FieldError>& errors) {
  if (!status.ok()) errors.push_back({field, std::string(status.message())});
}

absl::Duration ReadDuration(bool present, const google::protobuf::Duration& message,
                            absl::Duration absent, absl::Duration at_least, absl::Duration at_most,
                            const FieldPath& field, std::vector<FieldError>& errors) {
  if (!present) return absent;
  const absl::Duration duration =
      absl::Seconds(message.seconds()) + absl::Nanoseconds(message.nanos());
  if (duration < at_least || duration > at_most) {
    errors.push_back(
        {field, absl::StrCat("is ", FormatGoDuration(duration), "; it must be between ",
                             FormatGoDuration(at_least), " and ", FormatGoDuration(at_most))});
    return absent;
  }
  return duration;
}

Meta ReadMeta(const v1::ObjectMeta& message, ResourceKind kind, std::vector<FieldError>& errors) {
  const FieldPath path = FieldPath().Field("metadata");
  Meta meta;
  meta.name = message.name();
  if (meta.name.empty()) {
    errors.push_back({path.Field("name"), "is required"});
  } else {
    Check(CheckDnsLabel(meta.name), path.Field("name"), errors);
  }
  if (HasNamespace(kind)) {
    meta.namespace_ = message.namespace_().empty() ? "default" : message.namespace_();
    Check(CheckDnsLabel(meta.namespace_), path.Field("namespace"), errors);
  } else if (!message.namespace_().empty()) {
    errors.push_back(
        {path.Field("namespace"), absl::StrCat("a ", KindName(kind), " has none; leave it out")});
  }
  ReadLabels(message, meta, errors);
  ReadAnnotations(message, meta, errors);
  meta.uid = message.uid();
  meta.generation = message.generation();
  if (message.has_creation_timestamp()) meta.creation_time = ReadTime(message.creation_timestamp());
  if (message.has_deletion_timestamp()) meta.deletion_time = ReadTime(message.deletion_timestamp());
  return meta;
}

SecretData ReadSecret(const v1::Secret& message, std::vector<FieldError>& errors) {
  SecretData data;
  size_t bytes = 0;
  const auto add = [&](absl::string_view field, const std::string& key, const std::string& value) {
    if (!IsSecretKey(key)) {
      errors.push_back({FieldPath().Field(field).Key(key),
                        "a key is 1 to 253 letters, digits, '-', '_' and '.'"});
    }
    if (key == "identity") Check(CheckSshKey(value), FieldPath().Field(field).Key(key), errors);
    bytes += key.size() + value.size();
    data.values[key] = value;
  };
  for (const auto& [key, value] : message.data()) add("data", key, value);
  for (const auto& [key, value] : message.string_data()) add("stringData", key, value);
  if (bytes > kSecretBytesMax) {
    errors.push_back(
        {FieldPath().Field("data"),
         absl::StrCat("with stringData has ", bytes, " bytes; at most ", kSecretBytesMax)});
  }
  return data;
}

}  // namespace lockstep
