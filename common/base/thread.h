#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/strings/string_view.h>

#include "common/base/channel.h"

namespace lockstep {

/// A thread that is joined when it goes. Its body must end by itself: close the channel it reads
/// first.
class Thread {
 public:
  Thread();
  /// Starts `body` on a thread called `name` (at most 15 bytes are kept). `stack_bytes` 0 means the
  /// system's default.
  Thread(absl::string_view name, absl::AnyInvocable<void()> body, size_t stack_bytes = 0);
  ~Thread();
  Thread(Thread&&) noexcept;
  Thread& operator=(Thread&&) noexcept;

  /// Waits for the body to end. Idempotent.
  void Join();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs tasks, somewhere, sometime: a pool in a program, the test's own thread in a test.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  /// Queues `task`. Never waits. After Stop tasks are dropped.
  virtual void Run(absl::AnyInvocable<void()> task) = 0;
};

/// A fixed number of threads that take tasks in order. Thread-safe.
class ThreadPool : public TaskRunner {
 public:
  /// `threads` must be positive.
  ThreadPool(absl::string_view name, int threads);
  ~ThreadPool() override;

  void Run(absl::AnyInvocable<void()> task) override;
  /// Ends running tasks' successors, waits for the running ones. Idempotent.
  void Stop();

 private:
  Channel<std::unique_ptr<absl::AnyInvocable<void()>>> tasks_;
  std::vector<Thread> threads_;
};

/// Runs each task at once on the caller's thread; for tests and the simulation.
class InlineRunner : public TaskRunner {
 public:
  void Run(absl::AnyInvocable<void()> task) override { task(); }
};

}  // namespace lockstep
