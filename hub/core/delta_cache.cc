#include "hub/core/delta_cache.h"

namespace lockstep {
namespace {

size_t SizeOf(const BundleDelta& delta) {
  size_t bytes = sizeof delta + delta.removed.size() * sizeof(uint32_t);
  for (const BundleDelta::Change& change : delta.changes) {
    bytes += sizeof change + change.key.group.size() + change.key.kind.size() +
             change.key.namespace_.size() + change.key.name.size();
  }
  return bytes;
}

}  // namespace

DeltaCache::Way& DeltaCache::WayOf(const Manifest& base, const Manifest& target) {
  const std::pair<Digest, Digest> way(base.digest(), target.digest());
  const auto at = ways_.find(way);
  if (at != ways_.end()) return at->second;
  if (way_bytes_ > kDeltaCacheBytesMax) {
    ways_.clear();
    way_bytes_ = 0;
  }
  Way& made = ways_[way];
  made.delta = std::make_shared<BundleDelta>(ComputeDelta(base, target));
  way_bytes_ += SizeOf(*made.delta);
  return made;
}

std::shared_ptr<const BundleDelta> DeltaCache::Find(const Manifest& base, const Manifest& target) {
  return WayOf(base, target).delta;
}

std::shared_ptr<const DeltaMessage> DeltaCache::Message(const ManifestPtr& base,
                                                        const ManifestPtr& target, size_t* budget) {
  Way& way = WayOf(*base, *target);
  if (way.message != nullptr && way.bytes <= *budget) {
    *budget -= way.bytes;
    return way.message;
  }
  auto message = std::make_shared<DeltaMessage>();
  message->delta = *way.delta;
  size_t bytes = 0;
  bool all = true;
  for (const BundleDelta::Change& change : message->delta.changes) {
    if (base->HasBlob(change.blob)) continue;
    const auto at = blobs_.find(change.blob);
    if (at == blobs_.end()) continue;
    if (bytes + at->second->size() > *budget) {
      all = false;
      continue;
    }
    const bool added = message->data.emplace(change.blob, *at->second).second;
    if (added) bytes += at->second->size();
  }
  *budget -= bytes;
  // One that was cut for want of budget is this agent's own.
  if (all) {
    way.message = message;
    way.bytes = bytes;
    way_bytes_ += bytes + SizeOf(message->delta);
  }
  return message;
}

void DeltaCache::AddBlob(const Digest& digest, BlobBytes bytes) {
  if (bytes->size() > kInlineBytesMax) return;
  const size_t size = bytes->size();
  if (!blobs_.emplace(digest, bytes).second) return;
  order_.push_back(digest);
  blob_bytes_ += size;
  while (blob_bytes_ > kBlobCacheBytesMax) {
    const auto oldest = blobs_.find(order_.front());
    blob_bytes_ -= oldest->second->size();
    blobs_.erase(oldest);
    order_.pop_front();
  }
}

}  // namespace lockstep
