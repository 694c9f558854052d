#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "agent/core/effect.h"
#include "agent/core/event.h"
#include "agent/core/state.h"
#include "agent/loop/link.h"
#include "agent/loop/timers.h"
#include "agent/store/storage.h"
#include "agent/target/target.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/thread.h"

namespace lockstep {

/// Owns one agent's state: takes events one after another, steps the core, writes what it wants
/// kept, then lets the rest go.
///
/// It has no thread of its own: it runs on `loop_runner` while there is something to do, never
/// twice at once, so that one agent lives on one small pool and a test can run a thousand on it.
class AgentLoop : public LinkEvents {
 public:
  /// All of it is borrowed and outlives the loop.
  struct Parts {
    AgentStorage* storage = nullptr;
    Target* target = nullptr;
    AgentLink* link = nullptr;
    BlobFetcher* fetcher = nullptr;
    Clock* clock = nullptr;
    Timers* timers = nullptr;
    TaskRunner* loop_runner = nullptr;  // Steps, and the writes of the store.
    TaskRunner* work_runner = nullptr;  // Calls of the target.
    AgentFacts facts;
    uint64_t seed = 0;
    /// Called on the loop after every step; it must not call back.
    std::function<void(const AgentState&)> after_step;
    /// Called on the work runner after every comparison with the target; may be empty.
    std::function<void(const ReconcileOutcome&, absl::Duration)> after_run;
    /// Called, on any thread, when the store failed to write or to sync for another reason than a
    /// full disk. Must end the program: what the disk holds is known only once it is opened anew
    /// (FAULTS F-10, F-11). May be empty.
    std::function<void(const absl::Status&)> on_broken;
    /// Called on the loop once, when the agent has nothing to do any more, ever; `kept` says
    /// whether the store knows that too.
    std::function<void(const std::string& reason, const absl::Status& kept)> on_stop;
  };

  explicit AgentLoop(Parts parts) : parts_(std::move(parts)) {}
  ~AgentLoop() override { Stop(); }

  /// Begins with what the store held. The link is started by the caller, afterwards.
  void Start(DurableState durable);

  /// Ends runs at their next object and waits for them; nothing is called after it returned. The
  /// link, the fetcher and the target must have been stopped. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  void Post(AgentEvent event) ABSL_LOCKS_EXCLUDED(mutex_);

  void OnLinkUp() override { Post(agent_event::LinkUp{}); }
  void OnLinkDown() override { Post(agent_event::LinkDown{}); }
  void OnMessage(HubMessage message) override { Post(agent_event::Received{std::move(message)}); }

 private:
  // Changes that wait for the loop, gathered so that a storm of them takes bounded room.
  struct Changes {
    bool everything = false;
    std::set<ObjectKey> keys;
  };

  void TargetChanged(const std::string& application, std::vector<ObjectKey> keys)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<AgentEvent> Next() ABSL_LOCKS_EXCLUDED(mutex_);
  void Take(const AgentEvent& event);
  void NoteStorage(const absl::Status& status);
  void Work(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_);
  bool IsIdle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !running_ && working_ == 0; }

  void Do(agent_effect::Persist& effect);
  void Do(agent_effect::Send& effect);
  void Do(agent_effect::Fetch& effect);
  void Do(agent_effect::Reconcile& effect);
  void Do(agent_effect::CancelReconcile& effect);
  void Do(agent_effect::Watch& effect);
  void Do(agent_effect::Unwatch& effect);
  void Do(agent_effect::SetTimer& effect);
  void Do(agent_effect::CancelTimer& effect);
  void Do(agent_effect::Stop& effect);

  // Fixed at construction.
  const Parts parts_;

  // The loop's alone.
  AgentState state_;
  absl::Duration sweep_at_ = -absl::InfiniteDuration();  // Not before; monotonic.

  // Guarded by mutex_.
  Mutex mutex_;
  std::deque<AgentEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Changes> changes_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, std::shared_ptr<Cancellation>> runs_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // Drain is queued or runs.
  int working_ ABSL_GUARDED_BY(mutex_) = 0;       // Tasks that are queued or run.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace lockstep
