#pragma once

#include <set>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "agent/core/effect.h"
#include "agent/core/record.h"
#include "common/base/digest.h"

namespace lockstep {

/// What an agent keeps over restarts. Thread-safe; Write and Sweep come from one thread.
class AgentStorage {
 public:
  virtual ~AgentStorage() = default;

  /// Keeps the blobs and the records: all of it, or after an error none of it. Durable on return
  /// where `persist.synced`, together with everything added before.
  ///
  /// RESOURCE_EXHAUSTED where the disk or the limit is full: what was kept before is untouched.
  /// DATA_LOSS from the first write or sync on that failed otherwise: what is kept is known once it
  /// is opened anew.
  virtual absl::Status Write(const agent_effect::Persist& persist) = 0;

  /// Keeps one blob that was fetched; durable with the next synced Write. INVALID_ARGUMENT if it
  /// is not what the digest names.
  virtual absl::Status AddBlob(const Digest& digest, absl::string_view bytes) = 0;

  /// NOT_FOUND; DATA_LOSS where the bytes are not what they were.
  virtual absl::StatusOr<std::string> ReadBlob(const Digest& digest) const = 0;

  /// Whether so much has been superseded that Sweep is worth its writes.
  virtual bool WantsSweep() const = 0;

  /// Drops everything but `state`, the blobs of its manifests and `keep`. Durable on return; after
  /// an error all is as before.
  virtual absl::Status Sweep(const DurableState& state, const std::set<Digest>& keep) = 0;
};

}  // namespace lockstep
