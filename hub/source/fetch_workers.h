#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/base/file.h"
#include "common/base/mutex.h"
#include "hub/source/fetch_message.h"

namespace lockstep {

/// The hub's end of the fetch server: a program (the hub's own, run as RunFetchServer) that forks a
/// process for each fetch and kills it at its deadline. Starting it works at any time, from any
/// thread; one that died is started again by the next fetch. Thread-safe.
class FetchWorkers {
 public:
  /// `command` must run RunFetchServer on descriptor kFetchServerFd.
  explicit FetchWorkers(std::vector<std::string> command) : command_(std::move(command)) {}
  ~FetchWorkers() { Stop(); }
  FetchWorkers(const FetchWorkers&) = delete;
  FetchWorkers& operator=(const FetchWorkers&) = delete;

  absl::Status Start();

  /// Ends the server and what it runs; running calls return CANCELLED. Idempotent.
  void Stop();

  /// Does `order` in a process of its own, in at most `timeout`; blocks until the process has
  /// ended.
  ///
  /// The report's status is what the process says. Otherwise DEADLINE_EXCEEDED; CANCELLED
  /// (stopping); UNAVAILABLE where the process cannot be had, or ended without a word, with how.
  absl::StatusOr<FetchReport> Run(const FetchOrder& order, absl::Duration timeout);

 private:
  absl::Status StartLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status HandOver(const FetchOrder& order, absl::Duration timeout, int socket);
  bool stopped() const;

  const std::vector<std::string> command_;

  mutable Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  OwnedFd control_ ABSL_GUARDED_BY(mutex_);
  pid_t server_ ABSL_GUARDED_BY(mutex_) = -1;
};

}  // namespace lockstep
