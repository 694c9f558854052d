#include "tests/hub/store/workload.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "hub/record/key.h"

namespace lockstep {
namespace {

constexpr absl::string_view kCountKey = "count";

std::string Noise(Rng* rng, size_t bytes) {
  std::string noise;
  while (noise.size() < bytes) {
    const uint64_t word = rng->Next();
    noise.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  noise.resize(bytes);
  return noise;
}

}  // namespace

Batch Workload::Nth(uint64_t n) const {
  SeededRng rng(seed_ * 1'000'003 + n);
  constexpr Family kFamilies[] = {Family::kResource, Family::kAssignment, Family::kStatus,
                                  Family::kBlob,     Family::kEvent,      Family::kSource};
  Batch batch;
  batch.Put(Family::kStatus, std::string(kCountKey), absl::StrCat(n + 1));
  const bool observations_only = rng.Below(2) == 0;
  for (uint64_t left = 1 + rng.Below(6); left > 0; --left) {
    Family family = kFamilies[rng.Below(std::size(kFamilies))];
    if (observations_only && IsDecision(family)) family = Family::kStatus;
    std::string key = absl::StrCat("key ", rng.Below(40));
    if (rng.Below(4) == 0) {
      batch.Delete(family, std::move(key));
    } else {
      batch.Put(family, std::move(key), Noise(&rng, rng.Below(10) == 0 ? 20'000 : rng.Below(200)));
    }
  }
  return batch;
}

const Contents& Workload::After(uint64_t count) {
  for (; count_ < count; ++count_) {
    const Batch batch = Nth(count_);
    for (const Batch::Record& record : batch.records()) {
      if (record.value.has_value()) {
        contents_[{record.family, record.key}] = *record.value;
      } else {
        contents_.erase({record.family, record.key});
      }
    }
  }
  return contents_;
}

absl::StatusOr<Contents> ReadContents(const Store& store) {
  Contents contents;
  for (int i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    if (family == Family::kChain || family == Family::kMeta) continue;
    LOCKSTEP_RETURN_IF_ERROR(
        store.Scan(family, "", "", [&](absl::string_view key, absl::string_view value) {
          contents[{family, std::string(key)}] = std::string(value);
          return true;
        }));
  }
  return contents;
}

absl::StatusOr<uint64_t> CountBatches(const Store& store) {
  absl::StatusOr<std::string> text = store.Get(Family::kStatus, kCountKey);
  if (absl::IsNotFound(text.status())) return 0;
  LOCKSTEP_RETURN_IF_ERROR(text.status());
  uint64_t count = 0;
  if (!absl::SimpleAtoi(*text, &count)) return absl::InternalError("the count is no number");
  return count;
}

StoreDirectory::StoreDirectory() : root_("/dev/shm/lockstep-store-XXXXXX") {
  if (mkdtemp(root_.data()) == nullptr) root_ = *MakeTemporaryDirectory("lockstep-store-");
}

StoreDirectory::~StoreDirectory() { RemoveTree(root_).IgnoreError(); }

std::string StoreDirectory::FileEndingIn(const std::string& suffix) const {
  std::string found;
  int64_t most = -1;
  for (const std::string& name : NamesIn(store())) {
    struct stat info;
    const std::string path = absl::StrCat(store(), "/", name);
    if (absl::EndsWith(name, suffix) && stat(path.c_str(), &info) == 0 && info.st_size > most) {
      most = info.st_size;
      found = path;
    }
  }
  return found;
}

std::vector<std::string> NamesIn(const std::string& directory) {
  return ListDirectory(directory).value_or(std::vector<std::string>());
}

RocksOptions SmallOptions() {
  RocksOptions options;
  options.memory_bytes = 1 << 20;
  options.cache_bytes = 1 << 20;
  options.log_bytes_max = 1 << 20;
  options.disk_free_bytes_min = 1 << 20;
  options.reserve_bytes = 0;
  return options;
}

RocksOptions DiskOptions() {
  RocksOptions options = SmallOptions();
  options.disk_free_bytes_min = 0;
  options.reserve_bytes = 8 << 20;
  return options;
}

}  // namespace lockstep
