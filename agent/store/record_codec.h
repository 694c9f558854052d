#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/core/record.h"

namespace lockstep {

/// The stored form of records. Integers are LEB128, strings and lists carry their length, digests
/// are raw:
///
///     record:  kind (1 byte)  size  body
///
/// A later format appends fields to a body; a reader leaves alone what it does not know.
std::string EncodeRecords(const std::vector<Record>& records);

/// DATA_LOSS for anything that EncodeRecords did not write.
absl::StatusOr<std::vector<Record>> DecodeRecords(absl::string_view bytes);

/// The records that make `state` out of nothing.
std::vector<Record> RecordsOf(const DurableState& state);

}  // namespace lockstep
