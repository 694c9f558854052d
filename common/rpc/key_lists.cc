#include "common/rpc/key_lists.h"

#include <utility>
#include <variant>

#include "common/bundle/manifest.h"
#include "common/rpc/wire_fields.h"

namespace lockstep {
namespace {

void AddParts(const std::vector<ObjectKey>& keys, std::vector<v1::AgentMessage>* parts) {
  if (KeyListBytes(keys) <= kInlineListBytesMax) return;
  const std::string digest = wire::FromDigest(KeyListDigest(keys));
  for (size_t begin = 0; begin < keys.size();) {
    v1::KeyListPart* part = parts->emplace_back().mutable_key_list_part();
    const size_t end = begin + KeysWithin(keys, begin, kListPartBytes);
    part->set_digest(digest);
    part->set_offset(static_cast<uint32_t>(begin));
    for (; begin < end; ++begin) wire::FromKey(keys[begin], part->add_keys());
    part->set_last(end == keys.size());
  }
}

}  // namespace

std::vector<v1::AgentMessage> ListParts(const AgentMessage& message) {
  std::vector<v1::AgentMessage> parts;
  const auto* status = std::get_if<StatusReport>(&message);
  if (status == nullptr) return parts;
  for (const ApplicationReport& report : status->applications) {
    AddParts(report.held, &parts);
    AddParts(report.orphans, &parts);
  }
  return parts;
}

absl::Status KeyLists::Take(const v1::KeyListPart& wire) {
  Digest digest;
  LOCKSTEP_RETURN_IF_ERROR(
      wire::ReadDigest("digest", wire.digest(), wire::Absent::kRefused, &digest));
  if (wire.offset() == 0) {
    coming_ = digest;
    keys_.clear();
  }
  if (digest != coming_ || wire.offset() != keys_.size()) {
    return wire::Wrong("offset", wire.offset(), " of list ", digest.Short(),
                       " is not where the part before ended");
  }
  std::vector<ObjectKey> keys;
  LOCKSTEP_RETURN_IF_ERROR(wire::ReadKeys("keys", wire.keys(), wire::Order::kAscending, &keys));
  if (!keys_.empty() && !keys.empty() && !(keys_.back() < keys.front()))
    return wire::Wrong("keys", "out of order or named twice; keys are sorted");
  bytes_ += KeyListBytes(keys);
  if (bytes_ > 2 * kKeyListBytesMax) {
    return wire::Wrong("keys", "the lists of one status take over ", 2 * kKeyListBytesMax,
                       " bytes");
  }
  std::move(keys.begin(), keys.end(), std::back_inserter(keys_));
  if (!wire.last()) return absl::OkStatus();
  if (KeyListDigest(keys_) != coming_)
    return wire::Wrong("digest", "is not that of the list's ", keys_.size(), " keys");
  lists_[std::exchange(coming_, Digest())] = std::exchange(keys_, {});
  return absl::OkStatus();
}

const std::vector<ObjectKey>* KeyLists::Find(const Digest& digest) const {
  const auto at = lists_.find(digest);
  return at == lists_.end() ? nullptr : &at->second;
}

void KeyLists::Clear() { *this = KeyLists(); }

}  // namespace lockstep
