#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "hub/record/chain.h"
#include "hub/record/key.h"
#include "hub/store/store.h"
#include "tests/testing/status.h"

/// What every Store does. Include it in one .cc of a test program and instantiate StoreContract
/// with harnesses.
namespace lockstep {

/// A store that can be closed and opened again over the same bytes.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;
  virtual Store* store() = 0;
  virtual void Restart() = 0;
};

struct StoreContractParam {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> make;
};

class StoreContract : public testing::TestWithParam<StoreContractParam> {
 protected:
  using Records = std::vector<std::pair<std::string, std::string>>;

  Store* store() { return harness_->store(); }
  void Restart() { harness_->Restart(); }

  void Put(Family family, const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(family, key, value);
    ASSERT_OK(store()->Append(batch));
  }

  Records Read(Family family, absl::string_view prefix = "", absl::string_view from = "") {
    Records records;
    EXPECT_OK(
        store()->Scan(family, prefix, from, [&](absl::string_view key, absl::string_view value) {
          records.emplace_back(key, value);
          return true;
        }));
    return records;
  }

  std::unique_ptr<StoreHarness> harness_ = GetParam().make();
};

TEST_P(StoreContract, IsEmptyWhenNew) {
  EXPECT_EQ(store()->at(), CommitPoint());
  for (const Family family : {Family::kResource, Family::kStatus, Family::kChain}) {
    EXPECT_THAT(Read(family), testing::IsEmpty());
  }
  EXPECT_THAT(store()->Get(Family::kBlob, "a"), StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST_P(StoreContract, KeepsFamiliesApart) {
  Put(Family::kResource, "key", "resource");
  Put(Family::kStatus, "key", "status");
  EXPECT_EQ(*store()->Get(Family::kResource, "key"), "resource");
  EXPECT_EQ(*store()->Get(Family::kStatus, "key"), "status");
  EXPECT_THAT(store()->Get(Family::kBlob, "key"),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST_P(StoreContract, KeepsKeysAndValuesOfAnyBytes) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  Put(Family::kBlob, bytes, bytes + bytes);
  Put(Family::kBlob, "", "");
  Restart();
  EXPECT_EQ(*store()->Get(Family::kBlob, bytes), bytes + bytes);
  EXPECT_EQ(*store()->Get(Family::kBlob, ""), "");
}

TEST_P(StoreContract, LaterRecordOfABatchWins) {
  Batch batch;
  batch.Put(Family::kSource, "a", "1");
  batch.Delete(Family::kSource, "a");
  batch.Put(Family::kSource, "b", "1");
  batch.Put(Family::kSource, "b", "2");
  batch.Delete(Family::kSource, "never there");
  ASSERT_OK(store()->Append(batch));
  EXPECT_THAT(Read(Family::kSource), testing::ElementsAre(testing::Pair("b", "2")));
}

TEST_P(StoreContract, ScansAPrefixInOrderFromAKey) {
  for (const char* key : {"a", "b/3", "b/1", "b/2", "b0", "c"}) Put(Family::kEvent, key, key);
  const auto keys = [&](absl::string_view prefix, absl::string_view from) {
    std::string joined;
    for (const auto& [key, value] : Read(Family::kEvent, prefix, from)) {
      absl::StrAppend(&joined, key, " ");
    }
    return joined;
  };
  EXPECT_EQ(keys("", ""), "a b/1 b/2 b/3 b0 c ");
  EXPECT_EQ(keys("b/", ""), "b/1 b/2 b/3 ");
  EXPECT_EQ(keys("b/", "b/2"), "b/2 b/3 ");
  EXPECT_EQ(keys("b/", "b/21"), "b/3 ");
  EXPECT_EQ(keys("b/", "a"), "b/1 b/2 b/3 ");
  EXPECT_EQ(keys("b/", "c"), "");
  EXPECT_EQ(keys("d", ""), "");
}

TEST_P(StoreContract, ScansAPrefixOfHighestBytes) {
  const std::string high = "\xff\xff";
  Put(Family::kEvent, "\xfe", "1");
  Put(Family::kEvent, high, "2");
  Put(Family::kEvent, high + "a", "3");
  EXPECT_EQ(Read(Family::kEvent, high).size(), 2);
}

TEST_P(StoreContract, StopsTheScanWhenTold) {
  for (const char* key : {"a", "b", "c"}) Put(Family::kEvent, key, key);
  int seen = 0;
  ASSERT_OK(store()->Scan(Family::kEvent, "", "",
                          [&](absl::string_view, absl::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_P(StoreContract, AScanSeesOneMoment) {
  for (const char* key : {"a", "b", "c"}) Put(Family::kEvent, key, key);
  std::string seen;
  ASSERT_OK(store()->Scan(Family::kEvent, "", "", [&](absl::string_view key, absl::string_view) {
    if (key == "a") {
      Put(Family::kEvent, "d", "");
      Batch batch;
      batch.Delete(Family::kEvent, "b");
      EXPECT_OK(store()->Append(batch));
    }
    absl::StrAppend(&seen, key);
    return true;
  }));
  EXPECT_EQ(seen, "abc");
}

TEST_P(StoreContract, RemembersAcrossARestart) {
  Batch batch;
  batch.Put(Family::kAssignment, "a", "1");
  batch.Put(Family::kStatus, "b", "2");
  ASSERT_OK(store()->Append(batch));
  const CommitPoint before = store()->at();
  Restart();
  EXPECT_EQ(store()->at(), before);
  EXPECT_EQ(*store()->Get(Family::kAssignment, "a"), "1");
  EXPECT_EQ(*store()->Get(Family::kStatus, "b"), "2");
}

TEST_P(StoreContract, CountsDecisionsAndNotObservations) {
  Batch decision;
  decision.Put(Family::kAssignment, "a", "1");
  const CommitPoint expected = NextCommit({}, decision);
  ASSERT_OK(store()->Append(decision));
  EXPECT_EQ(store()->at(), expected);
  Put(Family::kStatus, "a", "1");
  Put(Family::kBlob, "a", "1");
  EXPECT_EQ(store()->at(), expected);
  ASSERT_OK(store()->Append(decision));
  EXPECT_EQ(store()->at(), NextCommit(expected, decision));
}

TEST_P(StoreContract, KeepsTheChain) {
  for (const char* value : {"1", "2", "3"}) Put(Family::kAssignment, "a", value);
  Restart();
  const Records links = Read(Family::kChain);
  ASSERT_EQ(links.size(), 3);
  ASSERT_OK_AND_ASSIGN(const ChainLink last, ParseChainLink(links[2].first, links[2].second));
  EXPECT_EQ(last.point, store()->at());
}

TEST_P(StoreContract, RefusesToWriteWhatIsTheStoresOwn) {
  Batch chain;
  chain.Put(Family::kChain, ChainKey(1), "");
  EXPECT_THAT(store()->Append(chain), StatusIs(absl::StatusCode::kInvalidArgument, testing::_));
  for (const absl::string_view name : {kFormatMeta, kLossMeta}) {
    Batch meta;
    meta.Put(Family::kMeta, MetaKey(name), "");
    EXPECT_THAT(store()->Append(meta), StatusIs(absl::StatusCode::kInvalidArgument, testing::_));
  }
  Put(Family::kMeta, MetaKey("hub"), "goes on");
}

TEST_P(StoreContract, TakesAnEmptyBatch) {
  ASSERT_OK(store()->Append(Batch()));
  EXPECT_EQ(store()->at(), CommitPoint());
}

TEST_P(StoreContract, SweepsBlobsThatNobodyKeeps) {
  Batch batch;
  for (int i = 0; i < 2500; ++i) {
    batch.Put(Family::kBlob, BlobKey(Digest::Of(absl::StrCat(i))), absl::StrCat("blob ", i));
  }
  ASSERT_OK(store()->Append(batch));
  const Digest kept = Digest::Of("7");
  ASSERT_OK_AND_ASSIGN(const SweepResult result,
                       SweepBlobs(store(), [&](const Digest& digest) { return digest == kept; }));
  EXPECT_EQ(result.seen, 2500);
  EXPECT_EQ(result.deleted, 2499);
  EXPECT_THAT(Read(Family::kBlob), testing::ElementsAre(testing::Pair(BlobKey(kept), "blob 7")));
  EXPECT_EQ(store()->at().counter, 0);
}

TEST_P(StoreContract, PrunesTheChainButNeverItsNewestLink) {
  for (const char* value : {"1", "2", "3"}) Put(Family::kAssignment, "a", value);
  ASSERT_OK_AND_ASSIGN(SweepResult result, PruneChain(store(), absl::InfinitePast()));
  EXPECT_EQ(result.deleted, 0);
  ASSERT_OK_AND_ASSIGN(result, PruneChain(store(), absl::InfiniteFuture()));
  EXPECT_EQ(result.deleted, 2);
  Restart();
  EXPECT_EQ(Read(Family::kChain).size(), 1);
  EXPECT_EQ(store()->at().counter, 3);
}

TEST_P(StoreContract, A89ReturnsRecordsThatDoNotParseAndTheRest) {
  Put(Family::kStatus, "a", "good");
  Put(Family::kStatus, "b", std::string("\xff\xff\xff\0garbage", 11));
  Put(Family::kStatus, "c", "good");
  Restart();
  int good = 0;
  std::vector<std::string> quarantined;
  ASSERT_OK(
      store()->Scan(Family::kStatus, "", "", [&](absl::string_view key, absl::string_view value) {
        if (value == "good") {
          ++good;
        } else {
          quarantined.emplace_back(key);
        }
        return true;
      }));
  EXPECT_EQ(good, 2);
  EXPECT_THAT(quarantined, testing::ElementsAre("b"));
}

TEST_P(StoreContract, HasRoomAndKnowsRoughlyItsSize) {
  EXPECT_OK(store()->CheckRoom());
  const uint64_t before = store()->ApproximateBytes();
  Put(Family::kBlob, "a", std::string(1 << 20, 'x'));
  EXPECT_GT(store()->ApproximateBytes(), before + (1 << 19));
}

}  // namespace lockstep
