#pragma once

#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "hub/core/state.h"
#include "hub/record/batch.h"

namespace lockstep {

/// Stored records, as LoadState wants them; hub/loop makes one of a Store.
class RecordReader {
 public:
  virtual ~RecordReader() = default;
  /// NOT_FOUND; DATA_LOSS.
  virtual absl::StatusOr<std::string> Get(Family family, absl::string_view key) const = 0;
  /// All records of a family, by key.
  virtual absl::Status Scan(
      Family family,
      absl::FunctionRef<void(absl::string_view key, absl::string_view value)> visit) const = 0;
};

struct LoadOptions {
  HubSettings settings;
  CommitPoint at;  // The store's.
  absl::Time now;
  std::string incarnation;  // 16 random bytes, for a store that is new.
};

/// The state that the records say, ready for Step; the first event must be a Tick.
///
/// A record that cannot be read is put aside: it is named in `quarantined`, left as it is, and the
/// rest is served (SECURITY A-89). What depends on it keeps running as it does. Errors:
/// FAILED_PRECONDITION for a store of a newer format, and whatever the reader fails with.
absl::StatusOr<HubState> LoadState(const RecordReader& reader, LoadOptions options);

}  // namespace lockstep
