#pragma once

#include <absl/time/time.h>

namespace lockstep {

/// How either side of a connection finds out that the other is gone without a word (FAULTS F-26):
/// it asks after a silence of `silence`, and closes when no answer came within `answer`.
struct Keepalive {
  absl::Duration silence = absl::Seconds(20);
  absl::Duration answer = absl::Seconds(10);
};

}  // namespace lockstep
