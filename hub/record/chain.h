#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/bundle/link.h"
#include "hub/record/batch.h"

/// The commit chain (SECURITY D-7): every append that holds decisions gets the next counter and the
/// hash SHA-256(hash before ‖ digest of the decisions). Agents remember the highest point they were
/// shown, so that a hub whose disk forgot or forked is found out. The store keeps the chain by
/// itself; the newest link is the hub's CommitPoint.
namespace lockstep {

/// Links older than this may go (PruneChain in hub/store/store.h); agents away for longer are met
/// as strangers.
inline constexpr absl::Duration kChainKept = absl::Hours(30 * 24);

/// The point after `batch`; `last` itself if the batch holds no decisions. Counters grow by one,
/// more only by Batch::RaiseCounterTo.
CommitPoint NextCommit(const CommitPoint& last, const Batch& batch);

/// One record of Family::kChain.
struct ChainLink {
  CommitPoint point;
  absl::Time time;
};

/// The record (ChainKey of its counter -> store.v1.ChainLink), as a batch of one.
Batch EncodeChainLink(const ChainLink& link);

/// DATA_LOSS if the bytes are not what EncodeChainLink made.
absl::StatusOr<ChainLink> ParseChainLink(absl::string_view key, absl::string_view value);

}  // namespace lockstep
