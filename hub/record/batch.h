#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/base/digest.h"

namespace lockstep {

/// One kind of record; a column family of the store. hub/record/key.h draws the keys.
enum class Family : uint8_t {
  kMeta,        // The hub's own facts: incarnation, epoch, event sequence, behind.
  kResource,    // What people declared: repositories, applications, clusters, secrets, …
  kSource,      // What a fetch found: heads, errors, times. Git can tell it again.
  kAssignment,  // What each application should be on each cluster, with its generation.
  kStatus,      // What agents said. They can say it again.
  kRelease,     // History of decisions per application.
  kEvent,       // The audit log, in order.
  kBlob,        // Objects and manifests by digest. Git can give them again.
  kChain,       // The commit chain; written by the store alone (hub/record/chain.h).
  kIdentity,    // Join tokens, enrolled and revoked keys.
};
inline constexpr int kFamilyCount = 10;

/// "assignment": the column family's name.
absl::string_view FamilyName(Family family);

/// Decisions are few and never lost: they are counted and hashed (SECURITY D-7), and one day go
/// through a replicated log. Observations (kSource, kStatus, kBlob, kChain) are many, and agents or
/// Git can give them again.
constexpr bool IsDecision(Family family) {
  return family != Family::kSource && family != Family::kStatus && family != Family::kBlob &&
         family != Family::kChain;
}

/// What one drained batch of events writes, in order: all of it or nothing. A later record of the
/// same key wins.
class Batch {
 public:
  struct Record {
    Family family;
    std::string key;
    std::optional<std::string> value;  // Absent: the key is deleted.
  };

  void Put(Family family, std::string key, std::string value);
  void Delete(Family family, std::string key);
  /// Adds the records of `other` after its own.
  void Append(Batch other);

  /// The commit of this batch gets at least this counter: an approved hub goes on above what its
  /// agents heard of it before it lost its state. Takes effect with decisions only.
  void RaiseCounterTo(uint64_t counter) { counter_min_ = std::max(counter_min_, counter); }
  uint64_t counter_min() const { return counter_min_; }

  bool empty() const { return records_.empty(); }
  const std::vector<Record>& records() const { return records_; }
  /// Keys and values together.
  size_t bytes() const { return bytes_; }

  /// Whether any record is a decision, so that the append moves the commit counter.
  bool HasDecisions() const { return has_decisions_; }

  /// The digest of the decision records, in order: family, key, put or delete, value, each with its
  /// length.
  Digest DecisionDigest() const;

 private:
  void Add(Record record);

  std::vector<Record> records_;
  size_t bytes_ = 0;
  bool has_decisions_ = false;
  uint64_t counter_min_ = 0;
};

}  // namespace lockstep
