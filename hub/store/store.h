#pragma once

#include <cstdint>
#include <string>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/bundle/link.h"
#include "hub/record/batch.h"

namespace lockstep {

/// The hub's durable records (and, later, its journal: SCALE-OUT stage 1). RocksStore is the real
/// one; the simulation uses tests/testing/model_store.h. Both pass tests/testing/store_contract.h.
///
/// Threads: Append from one thread; everything else from any.
class Store {
 public:
  virtual ~Store() = default;

  /// Writes all of `batch` or nothing, and is durable when it returns OK. If the batch holds
  /// decisions, the same write extends the commit chain by one link (NextCommit), which `at()` then
  /// shows.
  ///
  /// An error means *unknown*: the batch may be there after the next start and may not (FAULTS M6).
  /// The hub must stop without letting any effect of the batch out, and read everything again when
  /// it starts; it must not try again. After an error every further Append fails with
  /// FAILED_PRECONDITION.
  ///
  /// Not an error of this kind: INVALID_ARGUMENT for a batch that writes Family::kChain or the
  /// store's own meta records.
  virtual absl::Status Append(const Batch& batch) = 0;

  /// The newest durable commit; counter 0 in a new store.
  virtual CommitPoint at() const = 0;

  /// NOT_FOUND; DATA_LOSS if the stored bytes are damaged.
  virtual absl::StatusOr<std::string> Get(Family family, absl::string_view key) const = 0;

  /// Takes one record; returns whether to go on. The views live as long as the call.
  using Visitor = absl::FunctionRef<bool(absl::string_view key, absl::string_view value)>;

  /// Visits the records whose key begins with `prefix` and is not before `from` (empty: all), in
  /// order of their keys, as they were at one moment. DATA_LOSS if the disk gave back damaged
  /// bytes, wherever the visit then was: what was visited is no complete answer. What a *record*
  /// says is the visitor's to judge: one that does not parse is put aside there, and the rest is
  /// served (SECURITY A-89).
  virtual absl::Status Scan(Family family, absl::string_view prefix, absl::string_view from,
                            Visitor visit) const = 0;

  /// Whether there is room to go on. RESOURCE_EXHAUSTED, with a sentence for people, while the disk
  /// is too full: the hub is then read-only. Its loop asks before it takes input (not before it
  /// appends: by then state has moved), takes none that would write, and acknowledges nothing.
  /// Cheap: one system call.
  virtual absl::Status CheckRoom() = 0;

  /// Whether `bytes` more can be appended in one batch and leave the least that is kept free:
  /// RESOURCE_EXHAUSTED, with a sentence for people, where not. For what may be large and can be
  /// turned away.
  virtual absl::Status CheckRoomFor(uint64_t bytes) = 0;

  /// Bytes held, roughly, for the metrics.
  virtual uint64_t ApproximateBytes() const = 0;
};

/// What Append checks first: INVALID_ARGUMENT for a batch that writes what is the store's own to
/// write. Links of the chain may be deleted.
absl::Status CheckBatch(const Batch& batch);

/// The store's own meta records: its format, and the newest loss that was accepted.
inline constexpr absl::string_view kFormatMeta = "format";
inline constexpr absl::string_view kLossMeta = "loss";

/// How many records a sweep saw and deleted.
struct SweepResult {
  uint64_t seen = 0;
  uint64_t deleted = 0;
  uint64_t bytes_freed = 0;
};

/// Deletes the blobs for which `keep` says false, at most 1,000 a batch. Call on the thread that
/// appends, with a `keep` that knows every blob that an appended record names. Errors as Scan and
/// Append.
absl::StatusOr<SweepResult> SweepBlobs(Store* store, absl::FunctionRef<bool(const Digest&)> keep);

/// Deletes chain links from before `before`, never the newest. Call as SweepBlobs.
absl::StatusOr<SweepResult> PruneChain(Store* store, absl::Time before);

}  // namespace lockstep
