#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "common/base/mutex.h"
#include "hub/rpc/status.h"

namespace lockstep {

/// A streaming answer that is asked for its next message when the one before was taken, so that it
/// never holds more than one. Make it with std::make_shared and Begin it; it keeps itself until
/// gRPC is done with it. Only for this folder's own files.
template <typename Response>
class PullStream : public grpc::ServerWriteReactor<Response>,
                   public std::enable_shared_from_this<PullStream<Response>> {
 public:
  void Begin() {
    {
      MutexLock lock(&mutex_);
      self_ = this->shared_from_this();
    }
    Next();
  }

  /// Asks an idle stream again. Thread-safe.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      if (!std::exchange(idle_, false)) {
        woken_ = true;
        return;
      }
    }
    Next();
  }

  /// Ends the stream, after the write under way; only the first call counts. Thread-safe.
  void End(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (end_) return;
    end_ = std::move(status);
    if (!writing_) this->Finish(ToGrpc(*end_));
  }

 protected:
  /// Has to lead to one Write, Idle or End, then or later, on any thread.
  virtual void Next() = 0;
  /// gRPC is done with the stream.
  virtual void OnGone() {}

  void Write(Response response) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    if (end_) return;
    response_ = std::move(response);
    writing_ = true;
    this->StartWrite(&response_);
  }

  /// There is nothing to say before Wake.
  void Idle() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      if (end_) return;
      if (!std::exchange(woken_, false)) {
        idle_ = true;
        return;
      }
    }
    Next();
  }

 private:
  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mutex_);
      writing_ = false;
      if (!ok && !end_) end_ = absl::CancelledError("the caller went away");
      if (end_) {
        this->Finish(ToGrpc(*end_));
        return;
      }
    }
    Next();
  }
  void OnCancel() override { End(absl::CancelledError("the caller went away")); }
  void OnDone() override {
    OnGone();
    std::shared_ptr<PullStream> self;  // Goes last.
    MutexLock lock(&mutex_);
    self = std::move(self_);
  }

  // Guarded by mutex_.
  Mutex mutex_;
  std::shared_ptr<PullStream> self_ ABSL_GUARDED_BY(mutex_);  // Until OnDone.
  Response response_ ABSL_GUARDED_BY(mutex_);  // gRPC reads it while it is being written.
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
