#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/base/channel.h"
#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/base/wakeup.h"
#include "hub/core/step.h"
#include "hub/loop/ports.h"
#include "hub/record/chain.h"
#include "hub/store/store.h"

namespace lockstep {

/// Waiting events and reads; one that finds no room is refused (Post waits).
inline constexpr size_t kLoopQueueMax = 65'536;
/// Of one append.
inline constexpr size_t kLoopBatchMax = 1'000;

/// Owns HubState on its own thread: drains events, runs Step for each, makes the writes of all
/// durable in one append, then lets the other effects go (DESIGN invariant 6). What a read sees is
/// durable.
///
/// Threads: Post, Command and Read from any; ports, `done` and read functions are called on the
/// loop thread.
class Loop {
 public:
  struct Ports {
    // Borrowed; outlive Stop. `watch` and `keys` may be null.
    Store* store = nullptr;
    AgentPort* agents = nullptr;
    FetchPort* fetches = nullptr;
    RenderPort* renders = nullptr;
    WatchPort* watch = nullptr;
    KeyPort* keys = nullptr;
    Clock* clock = nullptr;
  };

  /// Durations of one batch, for the metrics.
  struct BatchStats {
    size_t events = 0;
    size_t bytes = 0;
    bool decisions = false;  // The append moved the commit counter.
    absl::Duration step;
    absl::Duration append;
  };

  struct Hooks {
    /// After each batch. May be empty.
    absl::AnyInvocable<void(const BatchStats&, const HubState&)> batch;
    /// An append failed: nothing of its batch has left. Must end the process, or at least never ask
    /// again.
    absl::AnyInvocable<void(const absl::Status&)> fatal;
  };

  /// `state` as LoadState made it.
  Loop(HubState state, Ports ports, Hooks hooks);
  ~Loop();

  void Start();
  /// Finishes the batch under way, says Goodbye(shutdown) to every agent, joins. Requests that were
  /// not answered get UNAVAILABLE. Idempotent.
  void Stop();

  /// Waits for room; false after Stop (the event is dropped). For threads that may wait.
  bool Post(Event event);
  /// Never waits; false when full or stopped. For gRPC reactions.
  bool TryPost(Event event);

  using Done = absl::AnyInvocable<void(absl::StatusOr<ReplyBody>)>;
  using Action = decltype(event::Command::action);
  /// Does what `by` asks; `done` is called once, when the outcome is durable, or at once (on the
  /// caller's thread) with RESOURCE_EXHAUSTED or UNAVAILABLE where the loop does not take it.
  void Command(std::string by, Action action, Done done);

  using Reader = absl::AnyInvocable<void(const HubState&)>;
  /// Calls `read` between two batches; false (never called) when full or stopped. It must be quick:
  /// copy, do not wait.
  bool Read(Reader read);

  /// A session id that was never given before.
  SessionId NewSession() { return next_session_.fetch_add(1) + 1; }

 private:
  struct Request {
    event::Command command;
    Done done;
  };
  using Item = std::variant<Event, Request, Reader>;

  void Run();
  void RunBatch(std::vector<Item> items);
  bool Commit(std::vector<Effect>* effects, BatchStats* stats);
  void LetGo(std::vector<Effect> effects);
  void Perform(Effect effect);
  void FillChain(event::AgentHello* hello) const;
  void CheckRoom();
  /// The time that Step goes by: of the start, and what has passed since, however the clock is set
  /// meanwhile.
  absl::Time Now() const;
  /// What does not fit on the disk beside the `blob_bytes` of this batch becomes an error of each
  /// job, which the next fetch tries again: an append that fails would end the process, at every
  /// start anew.
  void KeepRoom(event::RenderDone* done, uint64_t* blob_bytes) const;
  void RefuseWaiting();
  bool TrySend(Item item);
  void WakeIfAsleep();
  // Everything that waits, or what comes first within `wait`, which the monotonic clock measures.
  std::vector<Item> Take(absl::Duration wait);

  // Fixed at construction.
  const Ports ports_;
  const absl::Duration began_;  // Monotonic.

  // Thread-safe.
  Channel<Item> items_{kLoopQueueMax};
  Wakeup wakeup_;
  std::atomic<bool> asleep_{false};
  std::atomic<SessionId> next_session_{0};

  // The loop thread's.
  HubState state_;
  Hooks hooks_;
  absl::flat_hash_map<uint64_t, Done> waiting_;  // By request.
  uint64_t next_request_ = 1;
  uint64_t changes_ = 0;  // For people who watch.
  bool failed_ = false;
  Thread thread_;
};

}  // namespace lockstep
