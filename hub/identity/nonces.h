#pragma once

#include <string>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

namespace lockstep {

/// Nonces that need no memory: each carries its time and a MAC under a key that this object made,
/// so that only a fresh one of this hub's counts. One may be used twice within its life; what is
/// signed over it is either spent once (a token) or harmless to repeat (a renewal of the same key).
/// Thread-safe.
///
///     monotonic time in ms (8, big-endian)  random (16)  HMAC-SHA256 of both (32)
class Nonces {
 public:
  explicit Nonces(absl::Duration life);

  /// `now` is monotonic.
  std::string Make(absl::Duration now) const;
  /// Whether Make made it, at most `life` ago.
  bool IsFresh(absl::string_view nonce, absl::Duration now) const;

 private:
  std::string Mac(absl::string_view head) const;

  const absl::Duration life_;
  const std::string key_;
};

}  // namespace lockstep
