#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "agent/loop/timers.h"
#include "common/base/thread.h"
#include "tests/bench/fleet.h"

namespace lockstep {

/// What the agents of a LinkFleet saw, all together or one of them. Since the last Reset.
struct LinkCounts {
  std::atomic<int> welcomes{0};
  std::atomic<int> desired{0};               // Messages with a target.
  std::atomic<int64_t> first_desired_ns{0};  // When the first of them came, Unix time.
  std::atomic<int64_t> last_desired_ns{0};   // … and the last.
  std::atomic<int> acks{0};                  // Sent, each after it was durable.
  std::atomic<int> blobs{0};                 // In messages and fetched.
  std::atomic<int> writes{0};                // Of the target.
  std::atomic<int64_t> desired_bytes{0};  // As they travel. Of agent 0 alone: weighing takes time.
  std::atomic<int64_t> ack_bytes{0};      // Likewise.

  void Reset();
};

/// Real agents in this process, each with its own stream over mTLS, its own journal and its own
/// certificate, joined with a token each: agent/link, agent/loop, agent/core and agent/store as in
/// the program. Their target only counts.
class LinkFleet {
 public:
  static constexpr int kLoopThreads = 64;  // Step the agents and write their journals.
  static constexpr int kWorkThreads = 4;   // Call the target.

  /// Joins `count` clusters, "cluster-0" and on, and starts their agents.
  LinkFleet(const std::string& directory, HubProcess* hub, int count);
  ~LinkFleet();

  int size() const { return static_cast<int>(agents_.size()); }
  static std::string Cluster(int number);

  LinkCounts& all() { return all_; }
  LinkCounts& of(int number);
  void Reset();

  /// Bytes that agent 0 has in its journal, and its calls of fdatasync so far.
  int64_t JournalBytes() const;
  uint64_t JournalSyncs() const;

 private:
  class Agent;

  std::string Directory(int number) const;

  const std::string directory_;
  // In the order in which they start.
  LinkCounts all_;
  Timers timers_;
  ThreadPool loop_pool_{"loop", kLoopThreads};
  ThreadPool work_pool_{"work", kWorkThreads};
  std::vector<std::unique_ptr<Agent>> agents_;
};

}  // namespace lockstep
