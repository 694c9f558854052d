#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "lockstep/v1/fleet.pb.h"

#include "hub/store/store.h"

namespace lockstep {

/// The newest `limit` (at most kHistoryMax) releases of the application, the newest first, over all
/// its clusters. Only for this folder's own files.
absl::Status ReadHistory(const Store& store, absl::string_view application, int limit,
                         v1::HistoryResponse* response);

inline constexpr int kHistoryMax = 1000;

}  // namespace lockstep
