#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "hub/record/batch.h"
#include "hub/store/rocks_store.h"

namespace lockstep {

/// All records, by family and key.
using Contents = std::map<std::pair<Family, std::string>, std::string>;

/// An endless list of batches, the same for the same seed, with decisions and observations, small
/// and large records, puts and deletes; and what a store holds after any of them.
class Workload {
 public:
  explicit Workload(uint64_t seed) : seed_(seed) {}

  /// The batch number `n`, from 0. It says its number itself, in a status.
  Batch Nth(uint64_t n) const;

  /// What a store holds after the first `count` batches. `count` must not shrink.
  const Contents& After(uint64_t count);

 private:
  uint64_t seed_;
  uint64_t count_ = 0;
  Contents contents_;
};

/// Everything but the chain and the store's own meta records.
absl::StatusOr<Contents> ReadContents(const Store& store);

/// How many batches of a workload `store` holds, as it says itself.
absl::StatusOr<uint64_t> CountBatches(const Store& store);

/// The data directory of a hub, for one test: in memory where the machine has such a place, removed
/// when it goes.
class StoreDirectory {
 public:
  StoreDirectory();
  ~StoreDirectory();

  const std::string& root() const { return root_; }
  std::string store() const { return root_ + "/store"; }

  /// The path of the only file in the store whose name ends in `suffix`; with several, the largest.
  std::string FileEndingIn(const std::string& suffix) const;

 private:
  std::string root_;
};

/// The names in a directory; none if it cannot be read.
std::vector<std::string> NamesIn(const std::string& directory);

/// Options for small stores: little memory, no reserve.
RocksOptions SmallOptions();

/// For a disk of 48 MiB: read-only at a tenth, 8 MiB in reserve.
RocksOptions DiskOptions();

}  // namespace lockstep
