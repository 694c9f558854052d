#include "common/bundle/key_list.h"

namespace lockstep {

size_t KeyListBytes(const std::vector<ObjectKey>& keys) {
  size_t bytes = 0;
  for (const ObjectKey& key : keys) bytes += KeyListBytes(key);
  return bytes;
}

size_t KeysWithin(const std::vector<ObjectKey>& keys, size_t begin, size_t bytes) {
  size_t end = begin;
  size_t taken = 0;
  while (end < keys.size() && (end == begin || taken + KeyListBytes(keys[end]) <= bytes)) {
    taken += KeyListBytes(keys[end++]);
  }
  return end - begin;
}

void CutKeyList(size_t bytes, std::vector<ObjectKey>* keys) {
  const size_t fit = KeysWithin(*keys, 0, bytes);
  if (fit < keys->size()) keys->resize(fit);
}

}  // namespace lockstep
