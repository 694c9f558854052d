#include <rocksdb/env.h>

#include "common/base/file.h"
#include "hub/store/rocks_store.h"
#include "tests/testing/model_store.h"
#include "tests/testing/store_contract.h"

namespace lockstep {
namespace {

class RocksHarness : public StoreHarness {
 public:
  explicit RocksHarness(bool in_memory) {
    if (in_memory) {
      memory_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
      memory_->CreateDirIfMissing("/hub").PermitUncheckedError();
      path_ = "/hub/store";
      options_.env = memory_.get();
      options_.reserve_bytes = 0;
      options_.disk_probe = [](const std::string&) {
        return DiskSpace{.free_bytes = uint64_t{1} << 40, .total_bytes = uint64_t{1} << 40};
      };
    } else {
      directory_ = *MakeTemporaryDirectory("lockstep-store-");
      path_ = directory_ + "/store";
      options_.reserve_bytes = 1 << 20;
    }
    Restart();
  }
  ~RocksHarness() override {
    store_.reset();
    if (!directory_.empty()) {
      EXPECT_OK(RemoveTree(directory_));
    }
  }

  Store* store() override { return store_.get(); }
  void Restart() override {
    store_.reset();
    absl::StatusOr<std::unique_ptr<RocksStore>> opened = RocksStore::Open(path_, options_);
    ASSERT_OK(opened);
    store_ = *std::move(opened);
  }

 private:
  std::unique_ptr<rocksdb::Env> memory_;
  std::string directory_;
  std::string path_;
  RocksOptions options_;
  std::unique_ptr<RocksStore> store_;
};

class ModelHarness : public StoreHarness {
 public:
  Store* store() override { return &store_; }
  void Restart() override { store_.Crash(&rng_); }

 private:
  SeededRng rng_{1};
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  ModelStore store_{&clock_};
};

INSTANTIATE_TEST_SUITE_P(
    Stores, StoreContract,
    testing::Values(
        StoreContractParam{"RocksInMemory", [] { return std::make_unique<RocksHarness>(true); }},
        StoreContractParam{"RocksOnDisk", [] { return std::make_unique<RocksHarness>(false); }},
        StoreContractParam{"Model", [] { return std::make_unique<ModelHarness>(); }}),
    [](const auto& each) { return each.param.name; });

TEST(ModelStore, ForgetsAtACrashWhatItNeverSynced) {
  ManualClock clock(absl::FromUnixSeconds(1'700'000'000));
  SeededRng rng(7);
  int lost = 0;
  for (int round = 0; round < 20; ++round) {
    ModelStore store(&clock, ModelStore::Sync::kNever);
    Batch batch;
    batch.Put(Family::kStatus, "a", "1");
    ASSERT_OK(store.Append(batch));
    store.Crash(&rng);
    lost += store.Get(Family::kStatus, "a").ok() ? 0 : 1;
  }
  EXPECT_GT(lost, 0);
  EXPECT_LT(lost, 20);
}

TEST(ModelStore, AFailedAppendIsUnknownUntilTheCrash) {
  ManualClock clock(absl::FromUnixSeconds(1'700'000'000));
  SeededRng rng(7);
  int there = 0;
  for (int round = 0; round < 20; ++round) {
    ModelStore store(&clock);
    Batch batch;
    batch.Put(Family::kAssignment, "a", "1");
    store.FailNextAppend();
    EXPECT_FALSE(store.Append(batch).ok());
    EXPECT_THAT(store.Append(batch), StatusIs(absl::StatusCode::kFailedPrecondition, testing::_));
    store.Crash(&rng);
    there += store.Get(Family::kAssignment, "a").ok() ? 1 : 0;
    EXPECT_OK(store.Append(batch));
  }
  EXPECT_GT(there, 0);
  EXPECT_LT(there, 20);
}

}  // namespace
}  // namespace lockstep
