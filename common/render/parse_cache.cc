#include "common/render/parse_cache.h"

#include <utility>

namespace lockstep {

size_t ParsedFile::CostInBytes() const {
  size_t bytes = 256;  // The slot, its place in the index, the list's node.
  for (const ParsedObject& object : objects) bytes += sizeof object + object.json->size() + 64;
  return bytes;
}

std::shared_ptr<const ParsedFile> ParseCache::Find(const std::string& key) {
  MutexLock lock(&mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++stats_.misses;
    return nullptr;
  }
  ++stats_.hits;
  slots_.splice(slots_.begin(), slots_, found->second);
  return found->second->file;
}

void ParseCache::Add(const std::string& key, std::shared_ptr<const ParsedFile> file) {
  const size_t bytes = file->CostInBytes() + 2 * key.size();
  if (bytes > bytes_max_) return;
  MutexLock lock(&mutex_);
  if (by_key_.contains(key)) return;  // Another thread read the same content: the same result.
  slots_.push_front({key, std::move(file), bytes});
  by_key_[key] = slots_.begin();
  stats_.bytes += bytes;
  while (stats_.bytes > bytes_max_) {
    stats_.bytes -= slots_.back().bytes;
    by_key_.erase(slots_.back().key);
    slots_.pop_back();
  }
  stats_.entries = slots_.size();
}

ParseCache::Stats ParseCache::stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace lockstep
