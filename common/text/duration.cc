#include "common/text/duration.h"

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

namespace lockstep {

absl::StatusOr<absl::Duration> ParseGoDuration(absl::string_view text) {
  absl::Duration duration;
  if (absl::StrContains(text, "inf") || text.size() > 64 || !absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CHexEscape(text.substr(0, 64)),
                     "\" is no duration; write one as \"30s\", \"5m\" or \"1h30m\""));
  }
  if (absl::AbsDuration(duration) > 100 * 365 * absl::Hours(24)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is over 100 years; write a shorter duration"));
  }
  return duration;
}

std::string FormatGoDuration(absl::Duration duration) {
  return duration == absl::ZeroDuration() ? "0s" : absl::FormatDuration(duration);
}

}  // namespace lockstep
