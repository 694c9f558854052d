#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>

#include "common/base/mutex.h"
#include "common/bundle/link.h"

namespace lockstep::v1 {
class HubMessage;
}

namespace lockstep {

class DeltaEncoder;

/// What waits to be sent to one agent: at most one message of each kind, so that a slow agent costs
/// a bounded amount of memory and gets the newest state when it reads again (DESIGN invariant 8). A
/// newer message replaces the one of its kind that waits: a Desired holds all that those before it
/// said, a StatusAck is cumulative, commands to compare and revoked keys are joined. The Welcome
/// that opens the session is never replaced, and no kind ever pushes out another.
///
/// What carries a commit point keeps the order in which it was pushed: an agent takes a point that
/// is older than one it heard for a hub that lost its state.
///
/// Shared by whoever sends and the stream's reactor; lives longer than either. Thread-safe.
class Outbox {
 public:
  /// The stream, as far as an outbox drives it. Called under the outbox's lock, so each call only
  /// starts something.
  class Stream {
   public:
    virtual ~Stream() = default;
    /// Starts the one outstanding read.
    virtual void StartReading() = 0;
    /// Starts the one outstanding write; ends with one OnWriteDone. `wire` lives until then.
    virtual void StartWriting(const v1::HubMessage* wire) = 0;
    /// The stream's end. Called at most once, with no write outstanding, and nothing is called
    /// after it.
    virtual void FinishWith(const absl::Status& status) = 0;
    /// The stream is to end, and FinishWith comes when what waits was written: see that it does not
    /// wait for ever.
    virtual void EndSoon() = 0;
    /// Ends reads and writes under way with failure.
    virtual void Break() = 0;
  };

  /// `stream` and `deltas`, which all outboxes share, must live until FinishWith.
  Outbox(Stream* stream, DeltaEncoder* deltas);
  ~Outbox();

  /// Queues `message`; dropped once the stream is closing.
  void Push(HubMessage message) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Ends the stream with `status` after what waits and `goodbye` were sent. Only the first call
  /// counts.
  void Close(std::optional<Goodbye> goodbye, absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Breaks a stream that did not end by itself.
  void BreakIfOpen() ABSL_LOCKS_EXCLUDED(mutex_);

  /// Starts a read unless the stream is finished.
  void StartReading() ABSL_LOCKS_EXCLUDED(mutex_);

  /// The reactor's: the write that StartWriting began has ended.
  void OnWriteDone(bool ok) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Queue(HubMessage message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Fixed at construction.
  DeltaEncoder* const deltas_;

  // Guarded by mutex_.
  Mutex mutex_;
  Stream* stream_ ABSL_GUARDED_BY(mutex_);                  // Null once it is finished.
  std::deque<HubMessage> waiting_ ABSL_GUARDED_BY(mutex_);  // One of each kind at most.
  bool welcomed_ ABSL_GUARDED_BY(mutex_) = false;           // The opening Welcome was written.
  std::unique_ptr<v1::HubMessage> writing_
      ABSL_GUARDED_BY(mutex_);  // Null while nothing is being written.
  std::optional<absl::Status> closing_ ABSL_GUARDED_BY(mutex_);  // With what the stream will end.
};

}  // namespace lockstep
