#include "common/rpc/delta_encoder.h"

#include <algorithm>

#include <absl/container/flat_hash_set.h>

#include "lockstep/v1/agent.pb.h"

#include "common/rpc/wire_fields.h"

namespace lockstep {
namespace {

using namespace wire;

std::string Serialise(const DeltaMessage& own) {
  v1::Delta wire;
  wire.set_base(FromDigest(own.delta.base));
  wire.set_target(FromDigest(own.delta.target));
  absl::flat_hash_set<Digest> sent;  // Each blob travels once, with the first change that names it.
  for (const BundleDelta::Change& change : own.delta.changes) {
    v1::Change* out = wire.add_changes();
    if (change.position) {
      out->set_position(*change.position);
    } else {
      FromKey(change.key, out->mutable_key());
    }
    out->set_digest(FromDigest(change.blob));
    const auto blob = own.data.find(change.blob);
    if (blob != own.data.end() && sent.insert(change.blob).second) out->set_data(blob->second);
  }
  wire.mutable_removed()->Add(own.delta.removed.begin(), own.delta.removed.end());
  return wire.SerializeAsString();
}

}  // namespace

// Encoded under the lock: whoever else asks meanwhile asks for the same, as a rule.
std::shared_ptr<const std::string> DeltaEncoder::Encode(
    const std::shared_ptr<const DeltaMessage>& delta) {
  MutexLock lock(&mutex_);
  const auto known = std::find_if(newest_.begin(), newest_.end(),
                                  [&](const Encoded& one) { return one.delta == delta; });
  if (known != newest_.end()) return known->bytes;
  newest_.push_front({delta, std::make_shared<const std::string>(Serialise(*delta))});
  if (newest_.size() > kEncodedDeltasMax) newest_.pop_back();
  return newest_.front().bytes;
}

}  // namespace lockstep
