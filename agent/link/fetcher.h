#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>

#include "agent/loop/link.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace lockstep {

/// Digests of one call; a longer list takes several.
inline constexpr size_t kFetchAtOnce = 1000;

/// Gets blobs by AgentService.Fetch on the link's channel. A call that breaks is made again for
/// what is missing, from the byte where it broke, as long as each one brought something (FAULTS
/// F-25); every blob is compared with its digest. One thread, made at first use, does everything
/// that waits, `on_blob` included.
class GrpcBlobFetcher : public BlobFetcher {
 public:
  /// `channel` says what to call on, null for nothing at present. It is asked on the fetcher's
  /// thread.
  explicit GrpcBlobFetcher(std::function<std::shared_ptr<grpc::Channel>()> channel);
  ~GrpcBlobFetcher() override;

  void Fetch(std::vector<WantedBlob> blobs, OnBlob on_blob, OnDone done) override
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Job {
    std::deque<WantedBlob> missing;
    std::string partial;  // Of missing.front(), as far as it came.
    OnBlob on_blob;
    OnDone done;
  };

  void Run();
  absl::Status RunJob(Job* job);
  absl::Status Call(const std::shared_ptr<grpc::Channel>& channel, Job* job);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || next_.has_value();
  }

  // Fixed at construction.
  const std::function<std::shared_ptr<grpc::Channel>()> channel_;

  // Guarded by mutex_.
  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Job> next_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;               // The job under way.
  grpc::ClientContext* call_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Under way.

  Thread thread_;
};

}  // namespace lockstep
