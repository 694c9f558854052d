#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <absl/base/thread_annotations.h>

#include "common/base/mutex.h"
#include "common/bundle/link.h"

namespace lockstep {

/// Deltas whose bytes are kept at hand: what one commit sends to a fleet are a few different ones,
/// each to many agents. With what travels in one Desired (128 KiB) they take a few MiB at most.
inline constexpr size_t kEncodedDeltasMax = 16;

/// The wire's form of deltas, made once for all agents that go the same way (PROTOCOL 9). Each
/// stream then copies and encrypts the bytes, as TLS has to anyway. Thread-safe.
class DeltaEncoder {
 public:
  /// A serialised v1::Delta; the same bytes for the same delta, whoever asks.
  std::shared_ptr<const std::string> Encode(const std::shared_ptr<const DeltaMessage>& delta)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Encoded {
    std::shared_ptr<const DeltaMessage> delta;  // Held, so that its address stays its own.
    std::shared_ptr<const std::string> bytes;
  };

  Mutex mutex_;
  std::deque<Encoded> newest_ ABSL_GUARDED_BY(mutex_);  // In front.
};

}  // namespace lockstep
