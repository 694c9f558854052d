#include "hub/core/record_fields.h"

#include <absl/strings/str_cat.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/base/status.h"

namespace lockstep::record {

std::string Serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

absl::Status Parse(absl::string_view bytes, google::protobuf::MessageLite* message) {
  if (message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("reading a record: it is no ", message->GetTypeName()));
}

void SetTime(absl::Time time, google::protobuf::Timestamp* field) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  field->set_seconds(seconds);
  field->set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
}

std::string FromDigest(const Digest& digest) {
  return digest.IsZero() ? std::string() : std::string(digest.bytes());
}

absl::Status ReadDigest(absl::string_view bytes, Digest* digest) {
  if (bytes.empty()) {
    *digest = Digest();
    return absl::OkStatus();
  }
  const absl::StatusOr<Digest> read = Digest::FromBytes(bytes);
  if (!read.ok())
    return absl::DataLossError("reading a record: a digest has another length than 32 bytes");
  *digest = *read;
  return absl::OkStatus();
}

void SetKey(const ObjectKey& key, store::v1::ObjectName* field) {
  field->set_group(key.group);
  field->set_kind(key.kind);
  field->set_namespace_(key.namespace_);
  field->set_name(key.name);
}

void SetKeys(const std::vector<ObjectKey>& keys, ObjectNames* field) {
  for (const ObjectKey& key : keys) SetKey(key, field->Add());
}

ObjectKey ReadKey(const store::v1::ObjectName& field) {
  return {field.group(), field.kind(), field.namespace_(), field.name()};
}

std::vector<ObjectKey> ReadKeys(const ObjectNames& field) {
  std::vector<ObjectKey> keys;
  keys.reserve(static_cast<size_t>(field.size()));
  for (const store::v1::ObjectName& key : field) keys.push_back(ReadKey(key));
  return keys;
}

void SetName(const ResourceKey& key, store::v1::ResourceName* field) {
  field->set_kind(std::string(KindName(key.kind)));
  field->set_namespace_(key.namespace_);
  field->set_name(key.name);
}

absl::StatusOr<ResourceKey> ReadName(const store::v1::ResourceName& field) {
  const std::optional<ResourceKind> kind = KindFromName(field.kind());
  if (!kind.has_value()) {
    return absl::DataLossError(
        absl::StrCat("reading a record: unknown kind \"", field.kind(), "\""));
  }
  return ResourceKey{*kind, field.namespace_(), field.name()};
}

}  // namespace lockstep::record
