#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/digest.h"
#include "common/object/object_key.h"

namespace lockstep {

/// Where one application is on one cluster, in the agent's words.
enum class ApplicationState : uint8_t {
  kProgressing,  // Accepted and not yet carried out.
  kSynced,       // Everything is as it should be.
  kHeld,         // Deletes wait for a person; all else is as it should be.
  kStalled,      // It cannot go on by itself; the message says why.
  kSuspended,
  kDegraded,  // Applied, and something is not healthy.
  kReleased,  // It let go of everything; the last word about this application.
  kDeleting,  // The application goes; its deletes wait or are under way.
};

/// As shown to people: "Synced".
absl::string_view StateName(ApplicationState state);

/// One object with something to say.
struct ObjectProblem {
  ObjectKey key;
  std::string state;    // Degraded, Missing, …
  std::string message;  // At most kMessageBytesMax.
};

inline constexpr size_t kMessageBytesMax = 512;
inline constexpr size_t kProblemsMax = 64;

/// What an agent says of one application; a later report replaces an earlier one.
struct ApplicationReport {
  std::string name;  // NAMESPACE/NAME.
  uint64_t generation = 0;
  Digest manifest;
  ApplicationState state = ApplicationState::kProgressing;
  std::string reason;   // One CamelCase word.
  std::string message;  // At most kMessageBytesMax.
  absl::Time since;     // When `state` or `reason` last changed.
  uint32_t objects = 0;
  std::vector<ObjectKey> held;  // Sorted: deletes that wait for an approval of KeyListDigest(held).
  std::vector<ObjectKey> orphans;       // Sorted: what left Git and stays.
  std::vector<ObjectProblem> problems;  // At most kProblemsMax.
  uint32_t problem_count = 0;
  uint64_t writes = 0;   // Carried out for this generation.
  uint64_t deletes = 0;  // Carried out for this generation.
  absl::Time last_compared = absl::InfinitePast();
};

/// Something that others changed and the agent put back.
struct DriftReport {
  enum class Kind : uint8_t { kModified, kDeleted };

  std::string application;
  ObjectKey key;
  Kind kind = Kind::kModified;
  std::vector<std::string> fields;  // At most 16 paths.
  absl::Time time;
  absl::Duration restored_in;
};

/// What changed since the status before; `full` replaces everything.
struct StatusReport {
  uint64_t seq = 0;
  bool full = false;
  std::vector<ApplicationReport> applications;
  std::vector<DriftReport> drifts;
};

}  // namespace lockstep
