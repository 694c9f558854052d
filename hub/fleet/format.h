#pragma once

#include <google/protobuf/message.h>

#include "common/object/value.h"

namespace lockstep {

/// A message as a person reads it: lowerCamelCase names, Go's durations, RFC 3339 times, bytes as
/// base64, fields in the order of their definition, what is absent left out. A resource of
/// lockstep.v1 begins with apiVersion and kind.
///
/// Secret values are never in it: Secret.data and string_data are left out whatever the message
/// holds.
Value ToValue(const google::protobuf::Message& message);

}  // namespace lockstep
