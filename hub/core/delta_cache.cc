#include "hub/core/delta_cache.h"

namespace lockstep {
namespace {

constexpr size_t kDeltaBytes = 72;   // Both digests and what frames them.
constexpr size_t kChangeBytes = 48;  // A digest, a position and what frames them.
constexpr size_t kRemovedBytes = 4;

size_t SizeOf(const ObjectKey& key) {
  return key.group.size() + key.kind.size() + key.namespace_.size() + key.name.size();
}

size_t SizeOf(const BundleDelta& delta) {
  size_t bytes = sizeof delta + delta.removed.size() * sizeof(uint32_t);
  for (const BundleDelta::Change& change : delta.changes)
    bytes += sizeof change + SizeOf(change.key);
  return bytes;
}

size_t WireSizeOf(const BundleDelta& delta) {
  size_t bytes = kDeltaBytes + delta.removed.size() * kRemovedBytes;
  for (const BundleDelta::Change& change : delta.changes)
    bytes += kChangeBytes + SizeOf(change.key);
  return bytes;
}

}  // namespace

// FNV-1a; no part of a key holds a NUL.
uint64_t HashOfKey(const ObjectKey& key) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](char byte) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  };
  for (const std::string* part : {&key.group, &key.kind, &key.namespace_, &key.name}) {
    for (const char byte : *part) add(byte);
    add('\0');
  }
  return hash;
}

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
  made.wire_bytes = WireSizeOf(*made.delta);
  way_bytes_ += SizeOf(*made.delta);
  return made;
}

std::shared_ptr<const KeyMoves> DeltaCache::Moves(const Manifest& base, const Manifest& target) {
  Way& way = WayOf(base, target);
  if (way.moves != nullptr) return way.moves;
  auto moves = std::make_shared<KeyMoves>();
  for (const ObjectKey& key : RemovedKeys(base, *way.delta)) moves->lost.push_back(HashOfKey(key));
  for (const BundleDelta::Change& change : way.delta->changes) {
    if (!change.position.has_value()) moves->gained.push_back(HashOfKey(change.key));
  }
  way_bytes_ += (moves->lost.size() + moves->gained.size()) * sizeof(uint64_t);
  way.moves = std::move(moves);
  return way.moves;
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
    const BlobBytes blob = blobs_.Find(change.blob);
    if (blob == nullptr) continue;
    if (bytes + blob->size() > *budget) {
      all = false;
      continue;
    }
    const bool added = message->data.emplace(change.blob, *blob).second;
    if (added) bytes += blob->size();
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

DocumentReference DeltaCache::Document(const Manifest& base, const Manifest& target,
                                       const std::vector<ObjectKey>& tombstones) {
  Way& way = WayOf(base, target);
  const bool shared = tombstones.empty();
  if (shared && way.document.has_value() && documents_.Find(way.document->digest) != nullptr)
    return *way.document;
  auto bytes = std::make_shared<const std::string>(EncodeDocument(*way.delta, tombstones));
  const DocumentReference reference{Digest::Of(*bytes), bytes->size(), base.digest(),
                                    target.digest()};
  documents_.Add(reference.digest, std::move(bytes));
  if (shared) way.document = reference;
  return reference;
}

void DeltaCache::AddBlob(const Digest& digest, BlobBytes bytes) {
  if (bytes->size() <= kInlineBytesMax) blobs_.Add(digest, std::move(bytes));
}

void RecentBlobs::Add(const Digest& digest, BlobBytes bytes) {
  const size_t size = bytes->size();
  if (!blobs_.emplace(digest, std::move(bytes)).second) return;
  order_.push_back(digest);
  bytes_ += size;
  while (bytes_ > bytes_max_ && order_.size() > 1) {
    const auto oldest = blobs_.find(order_.front());
    bytes_ -= oldest->second->size();
    blobs_.erase(oldest);
    order_.pop_front();
  }
}

BlobBytes RecentBlobs::Find(const Digest& digest) const {
  const auto at = blobs_.find(digest);
  return at == blobs_.end() ? nullptr : at->second;
}

}  // namespace lockstep
