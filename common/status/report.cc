#include "common/status/report.h"

namespace lockstep {

absl::string_view StateName(ApplicationState state) {
  switch (state) {
    case ApplicationState::kProgressing:
      return "Progressing";
    case ApplicationState::kSynced:
      return "Synced";
    case ApplicationState::kHeld:
      return "Held";
    case ApplicationState::kStalled:
      return "Stalled";
    case ApplicationState::kSuspended:
      return "Suspended";
    case ApplicationState::kDegraded:
      return "Degraded";
    case ApplicationState::kReleased:
      return "Released";
    case ApplicationState::kDeleting:
      return "Deleting";
  }
  return "Unknown";
}

}  // namespace lockstep
