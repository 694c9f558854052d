#include "hub/core/outgoing_groups.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include <absl/container/flat_hash_map.h>

namespace lockstep {
namespace {

// Union and find over target numbers; the smallest number stands for its group.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), size_t{0});
  }

  size_t Find(size_t target) {
    while (parent_[target] != target) target = parent_[target] = parent_[parent_[target]];
    return target;
  }
  void Join(size_t a, size_t b) {
    const size_t first = Find(a);
    const size_t second = Find(b);
    parent_[std::max(first, second)] = std::min(first, second);
  }

 private:
  std::vector<size_t> parent_;
};

}  // namespace

std::vector<size_t> HandOverGroups(const std::vector<TargetMoves>& targets) {
  Groups groups(targets.size());
  absl::flat_hash_map<uint64_t, size_t> losers;  // By key: one of them, the others joined to it.
  std::optional<size_t> anything;                // As above, of those that may lose any key.
  for (size_t i = 0; i < targets.size(); ++i) {
    for (const auto* keys : {&targets[i].loses->lost, &targets[i].named}) {
      for (const uint64_t key : *keys) groups.Join(losers.emplace(key, i).first->second, i);
    }
    if (targets[i].may_lose_anything) groups.Join(anything.value_or(i), i);
    if (targets[i].may_lose_anything && !anything.has_value()) anything = i;
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    if (losers.empty() && !anything.has_value()) break;
    for (const uint64_t key : targets[i].gains->gained) {
      const auto loser = losers.find(key);
      if (loser != losers.end()) groups.Join(loser->second, i);
      if (anything.has_value()) groups.Join(*anything, i);
    }
  }
  std::vector<size_t> numbers(targets.size());
  size_t next = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    const size_t first = groups.Find(i);
    numbers[i] = first == i ? next++ : numbers[first];
  }
  return numbers;
}

}  // namespace lockstep
