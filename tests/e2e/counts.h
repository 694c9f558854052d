#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "tests/e2e/fleet.h"

namespace lockstep {

/// What agents, target directories and the hub have seen so far.
struct Count {
  int64_t sent = 0;                                                 // Desired, by the hub.
  std::map<std::string, int64_t> desired;                           // Messages, by cluster.
  std::map<std::string, int64_t> writes;                            // Objects, by cluster.
  std::map<std::string, std::map<std::string, std::string>> files;  // TargetWrites, by cluster.
  std::map<std::string, uint64_t> generations;                      // By "APPLICATION on CLUSTER".
};

absl::StatusOr<Count> CountNow(Fleet& fleet, const std::vector<std::string>& clusters);

/// What happened between two counts; what is not named did not happen.
struct Change {
  int64_t sent = 0;
  std::map<std::string, int64_t> desired;
  std::map<std::string, int64_t> writes;
  std::map<std::string, int64_t> written;  // Files made or written anew.
  std::map<std::string, int64_t> gone;     // Files.
  std::set<std::string> assigned;          // "APPLICATION on CLUSTER" with a new generation.
};

Change Between(const Count& before, const Count& after);

}  // namespace lockstep
