#include "hub/record/chain.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "lockstep/store/v1/records.pb.h"

#include "common/base/status.h"
#include "hub/record/key.h"

namespace lockstep {

CommitPoint NextCommit(const CommitPoint& last, const Batch& batch) {
  if (!batch.HasDecisions()) return last;
  Hasher hasher;
  hasher.Add(last.chain.bytes());
  hasher.Add(batch.DecisionDigest().bytes());
  return {.counter = std::max(last.counter + 1, batch.counter_min()), .chain = hasher.Finish()};
}

Batch EncodeChainLink(const ChainLink& link) {
  store::v1::ChainLink message;
  message.set_hash(std::string(link.point.chain.bytes()));
  const int64_t nanoseconds = absl::ToUnixNanos(link.time);
  message.mutable_time()->set_seconds(nanoseconds / 1'000'000'000);
  message.mutable_time()->set_nanos(static_cast<int32_t>(nanoseconds % 1'000'000'000));
  Batch batch;
  batch.Put(Family::kChain, ChainKey(link.point.counter), message.SerializeAsString());
  return batch;
}

absl::StatusOr<ChainLink> ParseChainLink(absl::string_view key, absl::string_view value) {
  ChainLink link;
  LOCKSTEP_ASSIGN_OR_RETURN(link.point.counter, ParseChainKey(key));
  store::v1::ChainLink message;
  absl::StatusOr<Digest> hash = absl::DataLossError("unparsed");
  if (message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    hash = Digest::FromBytes(message.hash());
  }
  if (!hash.ok()) {
    return absl::DataLossError(absl::StrCat("reading commit ", link.point.counter,
                                            " of the chain: its record is damaged"));
  }
  link.point.chain = *hash;
  link.time =
      absl::FromUnixSeconds(message.time().seconds()) + absl::Nanoseconds(message.time().nanos());
  return link;
}

}  // namespace lockstep
