#pragma once

#include <cstddef>
#include <vector>

#include "common/object/object_key.h"

/// Lists of objects that are told whole: deletes that wait for a person, and orphans. Deletes are
/// approved by the digest of their list (KeyListDigest), so that a list is either all there or
/// nobody's.
namespace lockstep {

/// One list, as KeyListBytes counts: some 150,000 objects. What does not fit on an agent's list of
/// deletes is no delete but an orphan, and orphans that do not fit are told once others went.
inline constexpr size_t kKeyListBytesMax = 16 << 20;

/// What a key counts where a list is limited: its names, and what it takes to keep them apart.
inline size_t KeyListBytes(const ObjectKey& key) {
  return 32 + key.group.size() + key.kind.size() + key.namespace_.size() + key.name.size();
}
size_t KeyListBytes(const std::vector<ObjectKey>& keys);

/// How many keys from `begin` on take at most `bytes`, at least one if there is one.
size_t KeysWithin(const std::vector<ObjectKey>& keys, size_t begin, size_t bytes);

/// Cuts the list to its first keys that take at most `bytes`.
void CutKeyList(size_t bytes, std::vector<ObjectKey>* keys);

}  // namespace lockstep
