#pragma once

#include <deque>
#include <memory>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "common/base/mutex.h"
#include "common/bundle/link.h"

namespace lockstep {

/// Messages that may wait to be sent on one stream. A hub that does not read for so long is no hub:
/// the stream ends, and the next one begins with the state as it then is.
inline constexpr size_t kLinkQueueMax = 256;

/// One stream to the hub, from its begin to its end. gRPC's threads call the listener, one call at
/// a time, OnClosed last; nothing of the session is used after that. It must not be destroyed on a
/// thread of gRPC's: the last channel's end joins them.
class LinkSession : private grpc::ClientBidiReactor<v1::AgentMessage, v1::HubMessage> {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The hub let us in.
    virtual void OnOpen() = 0;
    virtual void OnMessage(HubMessage message) = 0;
    virtual void OnClosed(const absl::Status& status) = 0;
  };

  /// `listener` and the session itself must live until OnClosed, if Start was called.
  LinkSession(std::shared_ptr<grpc::Channel> channel, Listener* listener);

  /// Call once.
  void Start();

  /// Queues; starts the write if none is under way. Hello opens the way: what comes before it
  /// belongs to an earlier stream and is dropped.
  void Send(AgentMessage message) ABSL_LOCKS_EXCLUDED(mutex_);

  /// Ends the stream soon; OnClosed follows. Idempotent.
  void Cancel() { context_.TryCancel(); }

 private:
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  void Queue(AgentMessage message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndOfReading() ABSL_LOCKS_EXCLUDED(mutex_);

  // Fixed at construction.
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  Listener* const listener_;
  grpc::ClientContext context_;

  // The reactions' alone.
  v1::HubMessage incoming_;

  // Guarded by mutex_.
  Mutex mutex_;
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // Nothing is started any more.
  std::deque<AgentMessage> waiting_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::AgentMessage> next_
      ABSL_GUARDED_BY(mutex_);  // Before waiting_: the rest of one message that goes in parts.
  std::unique_ptr<v1::AgentMessage> writing_
      ABSL_GUARDED_BY(mutex_);  // Null: no write is under way.
};

}  // namespace lockstep
