#include <cstdlib>

#include <absl/strings/numbers.h>

#include "common/base/random.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"
#include "tests/testing/unsynced_fs.h"

/// Power failures on real RocksDB over a disk that forgets what was not synced. LOCKSTEP_SEED
/// replays one.
namespace lockstep {
namespace {

uint64_t Seed() {
  uint64_t seed = 20'261'124;
  if (const char* text = std::getenv("LOCKSTEP_SEED"); text != nullptr) {
    EXPECT_TRUE(absl::SimpleAtoi(text, &seed));
  }
  return seed;
}

struct Outcome {
  int cycles = 0;
  int appended = 0;
  int refused = 0;       // Openings that called a store damaged.
  int lost = 0;          // Cycles after which an acknowledged batch was missing.
  int unknown_kept = 0;  // Batches that were there although their append failed.
};

/// `cycles` times: append until the power goes at a random step, then open what the disk kept. Ends
/// at the first loss.
Outcome RunCycles(uint64_t seed, int cycles, bool ignore_syncs) {
  SCOPED_TRACE(testing::Message() << "LOCKSTEP_SEED=" << seed);
  SeededRng rng(seed);
  const StoreDirectory directory;
  const auto fs = std::make_shared<UnsyncedFs>();
  const std::unique_ptr<rocksdb::Env> env = MakeEnv(fs);
  RocksOptions options = SmallOptions();
  options.memory_bytes = 128 << 10;  // So that tables are written, and logs go.
  options.log_bytes_max = 256 << 10;
  options.env = env.get();
  if (ignore_syncs) fs->IgnoreSyncs();

  Workload workload(seed);
  uint64_t acknowledged = 0;
  CommitPoint at;
  Outcome outcome;
  for (; outcome.cycles < cycles; ++outcome.cycles) {
    // One in four while it opens.
    fs->CutAfter(rng.Below(4) == 0 ? rng.Below(60) : 60 + rng.Below(400));
    if (auto store = RocksStore::Open(directory.store(), options); store.ok()) {
      while ((*store)->Append(workload.Nth(acknowledged)).ok()) {
        ++acknowledged;
        ++outcome.appended;
        at = (*store)->at();
      }
    } else {
      EXPECT_FALSE(absl::IsDataLoss(store.status()) && !ignore_syncs) << store.status();
    }
    fs->PowerLoss(&rng);

    auto store = RocksStore::Open(directory.store(), options);
    if (!store.ok()) {
      ++outcome.refused;
      EXPECT_TRUE(ignore_syncs) << store.status();
      break;
    }
    const absl::StatusOr<uint64_t> count = CountBatches(**store);
    const absl::StatusOr<Contents> contents = ReadContents(**store);
    if (!count.ok() || !contents.ok() || *count < acknowledged) {
      ++outcome.lost;
      break;
    }
    // The batch whose append failed is there or not, whole.
    EXPECT_LE(*count, acknowledged + 1);
    EXPECT_EQ(*contents, workload.After(*count));
    EXPECT_GE((*store)->at().counter, at.counter);
    EXPECT_LE((*store)->at().counter, at.counter + (*count - acknowledged));
    outcome.unknown_kept += *count > acknowledged ? 1 : 0;
    acknowledged = *count;
    at = (*store)->at();
    if (testing::Test::HasFailure()) break;
  }
  return outcome;
}

TEST(PowerLoss, F03KeepsWhatWasAcknowledgedAndNothingHalf) {
  const Outcome outcome = RunCycles(Seed(), 150, /*ignore_syncs=*/false);
  EXPECT_EQ(outcome.cycles, 150);
  EXPECT_EQ(outcome.lost, 0);
  EXPECT_EQ(outcome.refused, 0);
  // The fault happened, on both sides of the line.
  EXPECT_GT(outcome.appended, 500);
  EXPECT_GT(outcome.unknown_kept, 0);
  RecordProperty("appended", outcome.appended);
}

TEST(PowerLoss, F03ControlRunWithoutSyncsLosesOrIsRefused) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome outcome = RunCycles(seed, 20, /*ignore_syncs=*/true);
    found += outcome.lost + outcome.refused;
  }
  EXPECT_EQ(found, 5);
}

TEST(PowerLoss, F11AFailedSyncStopsTheStoreAndTheBatchIsUnknown) {
  int failed = 0;
  for (uint64_t step = 0; step < 12; ++step) {
    const StoreDirectory directory;
    const auto fs = std::make_shared<UnsyncedFs>();
    const std::unique_ptr<rocksdb::Env> env = MakeEnv(fs);
    RocksOptions options = SmallOptions();
    options.env = env.get();
    Workload workload(step);
    uint64_t acknowledged = 0;
    {
      auto store = RocksStore::Open(directory.store(), options);
      ASSERT_OK(store);
      for (; acknowledged < 5; ++acknowledged) {
        ASSERT_OK((*store)->Append(workload.Nth(acknowledged)));
      }
      fs->FailSyncAfter(step);
      while (acknowledged < 50 && (*store)->Append(workload.Nth(acknowledged)).ok()) {
        ++acknowledged;
      }
      ASSERT_TRUE(fs->SyncFailed());
      ++failed;
      EXPECT_THAT(
          (*store)->Append(workload.Nth(acknowledged)),
          StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("start again")));
    }
    auto store = RocksStore::Open(directory.store(), options);
    ASSERT_OK(store);
    ASSERT_OK_AND_ASSIGN(const uint64_t count, CountBatches(**store));
    EXPECT_GE(count, acknowledged);
    EXPECT_LE(count, acknowledged + 1);
    ASSERT_OK_AND_ASSIGN(const Contents contents, ReadContents(**store));
    EXPECT_EQ(contents, workload.After(count));
  }
  EXPECT_EQ(failed, 12);
}

}  // namespace
}  // namespace lockstep
