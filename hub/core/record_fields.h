#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>
#include <google/protobuf/message_lite.h>
#include <google/protobuf/repeated_ptr_field.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/digest.h"
#include "common/object/object_key.h"
#include "hub/fleet/resource.h"

/// The pieces that stored records are made of. Only for this folder's record files.
namespace lockstep::record {

/// Equal messages give equal bytes, maps included.
std::string Serialize(const google::protobuf::MessageLite& message);

/// DATA_LOSS where `bytes` are no such message.
absl::Status Parse(absl::string_view bytes, google::protobuf::MessageLite* message);

/// InfinitePast is an absent field.
void SetTime(absl::Time time, google::protobuf::Timestamp* field);
template <typename Message>
absl::Time ReadTime(bool present, const Message& field) {
  return present ? absl::FromUnixSeconds(field.seconds()) + absl::Nanoseconds(field.nanos())
                 : absl::InfinitePast();
}

/// Zero is no bytes.
std::string FromDigest(const Digest& digest);
absl::Status ReadDigest(absl::string_view bytes, Digest* digest);

using ObjectNames = google::protobuf::RepeatedPtrField<store::v1::ObjectName>;
void SetKeys(const std::vector<ObjectKey>& keys, ObjectNames* field);
void SetKey(const ObjectKey& key, store::v1::ObjectName* field);
ObjectKey ReadKey(const store::v1::ObjectName& field);
std::vector<ObjectKey> ReadKeys(const ObjectNames& field);

void SetName(const ResourceKey& key, store::v1::ResourceName* field);
absl::StatusOr<ResourceKey> ReadName(const store::v1::ResourceName& field);

}  // namespace lockstep::record
