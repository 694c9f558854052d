#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "lockstep/v1/fleet.pb.h"

#include "common/object/object_key.h"
#include "hub/core/effect.h"
#include "hub/core/event.h"
#include "hub/core/records.h"
#include "hub/loop/loop.h"

/// Between the messages of FleetService and the core's commands and replies. What people sent is
/// checked here: errors are INVALID_ARGUMENT and name the field. Only for this folder's own files.
namespace lockstep {

void SetTime(absl::Time time, google::protobuf::Timestamp* field);

v1::ResourceKey ToWire(const ResourceKey& key);
/// The kind must be known, names be labels, and the namespace be there exactly where the kind has
/// one.
absl::StatusOr<ResourceKey> ReadKey(absl::string_view field, const v1::ResourceKey& wire);
/// As ReadKey, of an Application.
absl::StatusOr<NamespacedName> ReadApplication(absl::string_view field,
                                               const v1::ResourceKey& wire);

/// "Deployment.apps shop/web": the inverse of ObjectKey::ToString.
absl::StatusOr<ObjectKey> ReadObject(absl::string_view field, absl::string_view text);

// ---- requests to commands

absl::StatusOr<command::Delete> ReadCommand(const v1::DeleteRequest& request);
absl::StatusOr<command::Sync> ReadCommand(const v1::SyncRequest& request);
absl::StatusOr<command::Suspend> ReadCommand(const v1::SuspendRequest& request);
absl::StatusOr<command::Resume> ReadCommand(const v1::ResumeRequest& request);
absl::StatusOr<Loop::Action> ReadCommand(const v1::ApproveRequest& request);
/// Without the token.
absl::StatusOr<command::CreateJoinToken> ReadCommand(const v1::CreateJoinTokenRequest& request);
absl::StatusOr<command::AcceptCluster> ReadCommand(const v1::AcceptClusterRequest& request);
absl::StatusOr<command::LabelCluster> ReadCommand(const v1::LabelClusterRequest& request);
absl::StatusOr<command::RemoveCluster> ReadCommand(const v1::RemoveClusterRequest& request);
absl::StatusOr<command::DeleteOrphans> ReadCommand(const v1::DeleteOrphansRequest& request);

// ---- replies and records to responses

void Fill(const reply::Applied& reply, v1::ApplyResponse* response);
void Fill(const reply::Deleted& reply, v1::DeleteResponse* response);
void Fill(const reply::Synced& reply, v1::SyncResponse* response);
void Fill(const reply::Done& reply, v1::SuspendResponse* response);
void Fill(const reply::Resumed& reply, v1::ResumeResponse* response);
void Fill(const reply::Approved& reply, v1::ApproveResponse* response);
void Fill(const reply::TokenMade& reply, v1::CreateJoinTokenResponse* response);
void Fill(const reply::Accepted& reply, v1::AcceptClusterResponse* response);
void Fill(const reply::Labelled& reply, v1::LabelClusterResponse* response);
void Fill(const reply::Removed& reply, v1::RemoveClusterResponse* response);
void Fill(const reply::OrphansRequested& reply, v1::DeleteOrphansResponse* response);
void Fill(uint64_t sequence, const AuditEvent& event, v1::FleetEvent* message);
void Fill(absl::string_view cluster, const HistoryEntry& entry, v1::ReleaseRecordView* message);

}  // namespace lockstep
