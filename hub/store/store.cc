#include "hub/store/store.h"

#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/record/chain.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

constexpr size_t kDeletesPerBatch = 1000;

/// Deletes the records of `family` that `drop` names, which may end the visit by setting `done`.
absl::StatusOr<SweepResult> Sweep(
    Store* store, Family family,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value, bool* done)> drop) {
  SweepResult result;
  std::string from;
  bool done = false;
  while (!done) {
    Batch deletes;
    std::string next;
    LOCKSTEP_RETURN_IF_ERROR(
        store->Scan(family, "", from, [&](absl::string_view key, absl::string_view value) {
          if (deletes.records().size() == kDeletesPerBatch) {
            next = std::string(key);
            return false;
          }
          if (drop(key, value, &done)) {
            deletes.Delete(family, std::string(key));
            result.bytes_freed += key.size() + value.size();
          }
          if (!done) ++result.seen;
          return !done;
        }));
    result.deleted += deletes.records().size();
    LOCKSTEP_RETURN_IF_ERROR(store->Append(deletes));
    done = done || next.empty();
    from = std::move(next);
  }
  return result;
}

}  // namespace

absl::Status CheckBatch(const Batch& batch) {
  for (const Batch::Record& record : batch.records()) {
    const bool own_meta = record.family == Family::kMeta &&
                          (record.key == MetaKey(kFormatMeta) || record.key == MetaKey(kLossMeta));
    const bool link = record.family == Family::kChain && record.value.has_value();
    if (own_meta || link) {
      return absl::InvalidArgumentError(absl::StrCat(
          "appending: a record of ", FamilyName(record.family), " is the store's own to write"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<SweepResult> SweepBlobs(Store* store, absl::FunctionRef<bool(const Digest&)> keep) {
  return Sweep(store, Family::kBlob, [&](absl::string_view key, absl::string_view, bool*) {
    const absl::StatusOr<Digest> digest = ParseBlobKey(key);
    return !digest.ok() || !keep(*digest);
  });
}

absl::StatusOr<SweepResult> PruneChain(Store* store, absl::Time before) {
  const uint64_t newest = store->at().counter;
  return Sweep(store, Family::kChain,
               [&](absl::string_view key, absl::string_view value, bool* done) {
                 const absl::StatusOr<ChainLink> link = ParseChainLink(key, value);
                 *done = link.ok() && (link->point.counter == newest || link->time >= before);
                 return !*done;
               });
}

}  // namespace lockstep
