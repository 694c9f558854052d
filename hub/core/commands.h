#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "hub/core/turn.h"

/// What people and programs ask for. Each function does it or changes nothing; Step answers the
/// request with what it returns.
namespace lockstep {

// The largest fleet; a command that would exceed one of these is refused.
inline constexpr size_t kResourcesMax = 100'000;
inline constexpr size_t kClustersMax = 20'000;
inline constexpr size_t kTokensMax = 10'000;

absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Apply& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Delete& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Suspend& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::Resume& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveDeletes& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveHub& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::ApproveConfig& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::LabelCluster& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::AcceptCluster& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::RemoveCluster& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::CreateJoinToken& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::RedeemToken& command);
absl::StatusOr<ReplyBody> Do(Turn& turn, const command::DeleteOrphans& command);

/// Answered when the fetch ends; an error at once.
absl::Status BeginSync(Turn& turn, const command::Sync& command, uint64_t request);

}  // namespace lockstep
