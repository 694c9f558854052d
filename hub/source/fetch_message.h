#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/remote/ref_spec.h"
#include "hub/source/git_credentials.h"

// What the hub and a fetch process say to each other, once in each direction:
//
//   message:  length of the rest (4 bytes, little-endian)  field…
//   field:    length (4 bytes, little-endian)  bytes       in the order of the members below
//
// Numbers are fields of 8 bytes, lists a number and then so many fields. Both sides are the same
// program.

namespace lockstep {

/// What a fetch process is to do.
struct FetchOrder {
  enum class Task : uint8_t { kFetch, kMergePacks };

  Task task = Task::kFetch;
  std::string repository;  // The bare repository's directory; made where it lacks.
  std::string home;        // A private directory for known_hosts.
  std::string url;
  GitRef ref;
  GitCredentials credentials;
  bool any_address = false;
  std::vector<std::string> ranges;  // Of addresses, beside public ones.
  int64_t bytes_max = 0;
  int64_t objects_max = 0;
  int64_t refs_bytes_max = 0;
  int64_t memory_bytes_max = 0;
};

/// What it did.
struct FetchReport {
  absl::Status status;  // Where not OK, the rest is absent.
  std::string shown;
  std::string ref;
  std::string commit;
  std::string previous;
  bool forced = false;
  bool damaged = false;  // The mirror's own objects lack: no fetch into it can succeed. Also where
                         // status is not OK.
  int64_t bytes = 0;
  int64_t objects = 0;
  int64_t packs = 0;  // In the mirror, afterwards.
};

std::string EncodeOrder(const FetchOrder& order);
std::string EncodeReport(const FetchReport& report);

/// INTERNAL for bytes that are none. `bytes` is without the length in front.
absl::StatusOr<FetchOrder> DecodeOrder(absl::string_view bytes);
/// The same; checks too that ids, names and numbers are such: what a fetch process says is not
/// believed.
absl::StatusOr<FetchReport> DecodeReport(absl::string_view bytes);

}  // namespace lockstep
