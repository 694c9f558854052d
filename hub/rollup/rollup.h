#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "hub/core/state.h"

/// From what the core knows to what people are shown. Pure functions of the state.
namespace lockstep {

/// The states that people see, the worst first: an application shows the worst of its clusters.
enum class ShownState : uint8_t {
  kStalled,
  kDegraded,
  kHeld,
  kOffline,  // The agent is away; what is shown beside it is what was.
  kUnknown,  // The agent is there and has not said anything yet.
  kDeleting,
  kPending,  // No agent was ever there, or the cluster does not exist (yet).
  kProgressing,
  kOutOfSync,
  kSuspended,
  kSynced,
};

absl::string_view ShownStateName(ShownState state);

inline constexpr size_t kHeldShownMax = 20;

/// One application on one cluster. Never kSynced unless the agent is online and said so of the
/// newest generation (SECURITY G-21).
struct InstanceView {
  std::string cluster;
  ShownState state = ShownState::kUnknown;
  std::string message;   // For the person who has to act; empty where nobody has to.
  std::string revision;  // That the agent last applied.
  uint64_t generation = 0;
  uint64_t desired_generation = 0;
  uint32_t objects = 0;
  uint32_t held = 0;                    // Deletes that wait.
  std::vector<ObjectKey> held_objects;  // The first of them, at most kHeldShownMax.
  uint32_t orphans = 0;
  absl::Time observed_at = absl::InfinitePast();
  bool fresh = false;
  bool skipped = false;  // missingPath: skip; does not count.

  bool ready() const { return state == ShownState::kSynced; }
};

/// One application over all its clusters.
struct ApplicationView {
  ShownState state = ShownState::kSynced;
  std::string reason;  // One CamelCase word for the Ready condition.
  std::string message;
  std::string revision;
  int clusters = 0;
  int ready = 0;
  std::map<ShownState, int> by_state;
  std::vector<InstanceView> instances;  // By cluster; skipped ones left out.
  absl::Time since = absl::InfinitePast();
};

/// `instance` may be null: placed, and there is no such cluster.
InstanceView ViewInstance(const HubState& state, const ResourceState& application,
                          absl::string_view cluster, const Instance* instance);

ApplicationView ViewApplication(const HubState& state, const ResourceState& application);

}  // namespace lockstep
