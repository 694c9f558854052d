#pragma once

#include <vector>

#include <google/protobuf/message.h>

#include "common/object/value.h"
#include "hub/fleet/field_path.h"

namespace lockstep {

/// Fills `message` from what a person wrote: lowerCamelCase names, Go's durations, bytes as base64;
/// null is absent.
///
/// Adds an error per unknown field (with the nearest known word, or why a field that people know
/// from elsewhere is not taken) and per value of a wrong type. Server-set fields are read over:
/// `status`, and those of metadata that an answer holds. Only the kinds of fields that lockstep.v1
/// resources have.
void ReadMessage(const Value& value, const FieldPath& path, google::protobuf::Message* message,
                 std::vector<FieldError>* errors);

}  // namespace lockstep
