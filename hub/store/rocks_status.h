#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <rocksdb/status.h>

namespace lockstep {

/// RocksDB's status as ours: "`what` "path": reason". NOT_FOUND; DATA_LOSS for damaged bytes;
/// RESOURCE_EXHAUSTED for a full disk, with what to do; else INTERNAL.
absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what,
                       absl::string_view path);

}  // namespace lockstep
