#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "agent/loop/agent_loop.h"
#include "agent/loop/link.h"
#include "agent/loop/timers.h"
#include "agent/store/agent_store.h"
#include "agent/target/target.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/thread.h"

namespace lockstep {

/// One agent: its state, its loop and its threads, put together.
///
/// Threads: one for the loop, one for the target's calls, one for timers; the target and the link
/// have their own. All of them end in Stop.
class RunningAgent {
 public:
  struct Config {
    std::string state_directory;
    std::string version;
    std::map<std::string, std::string> facts;  // For people: host name, kernel, …
    // All borrowed; they outlive the agent.
    Target* target = nullptr;
    AgentLink* link = nullptr;
    BlobFetcher* fetcher = nullptr;
    Clock* clock = nullptr;
    Rng* rng = nullptr;
    /// As AgentLoop::Parts says.
    std::function<void(const AgentState&)> after_step;
    std::function<void(const std::string& reason)> on_stop;
  };

  /// Opens the state. Errors as AgentStore::Open, and those of the target's Uid.
  static absl::StatusOr<std::unique_ptr<RunningAgent>> Open(Config config);
  ~RunningAgent() { Stop(); }

  /// Corrects what the state says, then links up.
  void Start();

  /// Ends the link, the target's watches, runs and threads, in this order. Idempotent.
  void Stop();

  /// A person on this machine ends the agent's work: everything is released, for good.
  void ReleaseAll() { loop_->Post(agent_event::ReleaseAll{}); }

  const AgentStore& store() const { return *store_; }

 private:
  explicit RunningAgent(Config config) : config_(std::move(config)) {}

  const Config config_;
  std::unique_ptr<AgentStore> store_;
  DurableState durable_;  // Until Start.
  std::unique_ptr<Timers> timers_;
  std::unique_ptr<ThreadPool> loop_thread_;
  std::unique_ptr<ThreadPool> work_thread_;
  std::unique_ptr<AgentLoop> loop_;
  bool stopped_ = false;
};

}  // namespace lockstep
