#include "hub/store/rocks_status.h"

#include <absl/strings/str_cat.h>

namespace lockstep {

absl::Status FromRocks(const rocksdb::Status& status, absl::string_view what,
                       absl::string_view path) {
  if (status.ok()) return absl::OkStatus();
  absl::StatusCode code = absl::StatusCode::kInternal;
  if (status.IsNotFound() || status.IsPathNotFound()) code = absl::StatusCode::kNotFound;
  if (status.IsCorruption()) code = absl::StatusCode::kDataLoss;
  absl::string_view advice;
  if (status.IsNoSpace()) {
    code = absl::StatusCode::kResourceExhausted;
    advice = "; free some room and start again";
  }
  return absl::Status(code, absl::StrCat(what, " \"", path, "\": ", status.ToString(), advice));
}

}  // namespace lockstep
