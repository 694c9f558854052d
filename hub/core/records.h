#pragma once

#include <cstdint>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "hub/core/state.h"

/// Between the state and the stored records (lockstep.store.v1). Encoding is deterministic.
/// Decoding gives DATA_LOSS for what Encode did not write, and changes nothing then.
namespace lockstep {

/// One decision in the history of an application.
struct HistoryEntry {
  absl::Time time;
  std::string revision;
  uint64_t generation = 0;
  Digest manifest;
  uint32_t added = 0;
  uint32_t changed = 0;
  uint32_t removed = 0;
  std::string cause;
  std::string by;
};

/// One line of the audit log.
struct AuditEvent {
  absl::Time time;
  bool warning = false;
  std::string reason;
  std::string message;
  std::optional<ResourceKey> about;
  std::string cluster;
  std::string by;
};

/// Gives a manifest or origins by digest; zero digests are not asked for.
struct ContentReader {
  absl::FunctionRef<absl::StatusOr<ManifestPtr>(const Digest&)> manifest;
  absl::FunctionRef<absl::StatusOr<OriginsPtr>(const Digest&)> origins;
};

std::string EncodeHub(const HubState& state);
absl::Status DecodeHub(absl::string_view bytes, HubState* state);

std::string EncodeConfig(const ConfigState& config);
absl::Status DecodeConfig(absl::string_view bytes, ConfigState* config);

std::string EncodeResource(const ResourceState& resource);
absl::StatusOr<ResourceState> DecodeResource(absl::string_view bytes);

/// Where in the store the two maps of BehindState are, a record per agent.
std::string BehindKey(absl::string_view cluster);
std::string ForgivenKey(absl::string_view cluster);
std::string EncodePoint(const CommitPoint& point);
absl::StatusOr<CommitPoint> DecodePoint(absl::string_view bytes);
/// Takes a record of Family::kMeta if it is one of those.
absl::Status ReadPoint(absl::string_view key, absl::string_view bytes, BehindState* behind);

std::string EncodeSource(const SourceState& source);
absl::Status DecodeSource(absl::string_view bytes, SourceState* source);

/// The decisions of an instance.
std::string EncodeAssignment(const Instance& instance);
absl::Status DecodeAssignment(absl::string_view bytes, const ContentReader& content,
                              Instance* instance);
/// Of a record whose contents are lost: its generation, so that it is never given again; 0 if that
/// is lost too.
uint64_t GenerationOf(absl::string_view bytes);

/// The observations of an instance.
std::string EncodeStatus(const Instance& instance);
absl::Status DecodeStatus(absl::string_view bytes, absl::string_view application,
                          const ContentReader& content, Instance* instance);

/// What an agent left objects of, in the place of an instance's observations.
std::string EncodeLeft(const ApplicationReport& report);
absl::StatusOr<ApplicationReport> DecodeLeft(absl::string_view bytes,
                                             absl::string_view application);

/// The agent's observations.
std::string EncodeAgent(const ClusterState& cluster);
absl::Status DecodeAgent(absl::string_view bytes, ClusterState* cluster);

std::string EncodeEnrolment(const ClusterState& cluster);
absl::Status DecodeEnrolment(absl::string_view bytes, ClusterState* cluster);

std::string EncodeToken(const IssuedToken& token);
absl::StatusOr<IssuedToken> DecodeToken(absl::string_view bytes);

std::string EncodeRevoked(absl::Time time);
absl::StatusOr<absl::Time> DecodeRevoked(absl::string_view bytes);

std::string EncodeHistory(const HistoryEntry& entry);
absl::StatusOr<HistoryEntry> DecodeHistory(absl::string_view bytes);

std::string EncodeEvent(const AuditEvent& event);
absl::StatusOr<AuditEvent> DecodeEvent(absl::string_view bytes);

}  // namespace lockstep
