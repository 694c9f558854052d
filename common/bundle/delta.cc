#include "common/bundle/delta.h"

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep {

BundleDelta ComputeDelta(const Manifest& base, const Manifest& target) {
  BundleDelta delta{base.digest(), target.digest(), {}, {}};
  const auto& have = base.entries();
  const auto& want = target.entries();
  size_t i = 0;
  size_t j = 0;
  while (i < have.size() || j < want.size()) {
    if (j == want.size() || (i < have.size() && have[i].key < want[j].key)) {
      delta.removed.push_back(static_cast<uint32_t>(i++));
    } else if (i == have.size() || want[j].key < have[i].key) {
      delta.changes.push_back({std::nullopt, want[j].key, want[j].blob});
      ++j;
    } else {
      if (have[i].blob != want[j].blob)
        delta.changes.push_back({static_cast<uint32_t>(i), {}, want[j].blob});
      ++i;
      ++j;
    }
  }
  return delta;
}

absl::StatusOr<ManifestPtr> ApplyDelta(const Manifest& base, const BundleDelta& delta) {
  if (delta.base != base.digest()) {
    return absl::FailedPreconditionError(absl::StrCat("applying a delta: it starts from ",
                                                      delta.base.Short(), ", not from ",
                                                      base.digest().Short()));
  }
  std::vector<const Digest*> changed(base.size(), nullptr);
  std::vector<bool> removed(base.size(), false);
  std::vector<ManifestEntry> entries;
  for (const BundleDelta::Change& change : delta.changes) {
    if (!change.position.has_value()) {
      entries.push_back({change.key, change.blob});
      continue;
    }
    if (*change.position >= base.size() || changed[*change.position] != nullptr) {
      return absl::InvalidArgumentError(
          "applying a delta: a changed position is outside the base or named twice");
    }
    changed[*change.position] = &change.blob;
  }
  for (const uint32_t position : delta.removed) {
    if (position >= base.size() || removed[position] || changed[position] != nullptr) {
      return absl::InvalidArgumentError(
          "applying a delta: a removed position is outside the base or named twice");
    }
    removed[position] = true;
  }
  for (size_t i = 0; i < base.size(); ++i) {
    if (removed[i]) continue;
    const ManifestEntry& entry = base.entries()[i];
    entries.push_back({entry.key, changed[i] != nullptr ? *changed[i] : entry.blob});
  }
  LOCKSTEP_ASSIGN_OR_RETURN(ManifestPtr result, Manifest::Make(std::move(entries)));
  if (result->digest() != delta.target) {
    return absl::DataLossError(absl::StrCat("applying a delta: the result is ",
                                            result->digest().Short(), ", not ",
                                            delta.target.Short()));
  }
  return result;
}

std::vector<ObjectKey> RemovedKeys(const Manifest& base, const BundleDelta& delta) {
  std::vector<ObjectKey> keys;
  for (const uint32_t position : delta.removed) {
    if (position < base.size()) keys.push_back(base.entries()[position].key);
  }
  return keys;
}

}  // namespace lockstep
