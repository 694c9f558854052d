#include "hub/record/batch.h"

namespace lockstep {
namespace {

TEST(Batch, HoldsDecisionsOnlyIfOneOfItsRecordsIs) {
  Batch batch;
  EXPECT_TRUE(batch.empty());
  for (const Family family : {Family::kSource, Family::kStatus, Family::kBlob, Family::kChain}) {
    batch.Put(family, "key", "value");
  }
  EXPECT_FALSE(batch.HasDecisions());
  batch.Delete(Family::kAssignment, "key");
  EXPECT_TRUE(batch.HasDecisions());
}

TEST(Batch, CountsKeysAndValues) {
  Batch batch;
  batch.Put(Family::kBlob, "abc", "defgh");
  batch.Delete(Family::kBlob, "ij");
  EXPECT_EQ(batch.bytes(), 10);
}

TEST(Batch, AppendsInOrder) {
  Batch batch;
  batch.Put(Family::kBlob, "a", "1");
  Batch second;
  second.Put(Family::kMeta, "b", "2");
  batch.Append(std::move(second));
  ASSERT_EQ(batch.records().size(), 2);
  EXPECT_EQ(batch.records()[1].key, "b");
  EXPECT_TRUE(batch.HasDecisions());
}

TEST(Batch, KeepsTheNewestAloneOfTheMetaRecordThatEveryEventEndsWith) {
  Batch batch;
  for (const std::string event : {"1", "2", "3"}) {
    Batch one;
    one.Put(Family::kEvent, event, "happened");
    one.Put(Family::kMeta, "hub", "after " + event);
    batch.Append(std::move(one));
  }
  ASSERT_EQ(batch.records().size(), 4u);
  EXPECT_EQ(batch.records()[2].key, "3");
  EXPECT_EQ(batch.records()[3].value, "after 3");
  EXPECT_EQ(batch.bytes(), std::string("1happened2happened3happenedhubafter 3").size());
  EXPECT_TRUE(batch.HasDecisions());
}

TEST(Batch, DecisionDigestCoversDecisionsAndNothingElse) {
  Batch plain;
  plain.Put(Family::kResource, "key", "value");
  Batch with_observation = plain;
  with_observation.Put(Family::kStatus, "other", "thing");
  EXPECT_EQ(plain.DecisionDigest(), with_observation.DecisionDigest());

  const auto digest = [](auto fill) {
    Batch batch;
    fill(batch);
    return batch.DecisionDigest();
  };
  const std::vector<Digest> all = {
      plain.DecisionDigest(),
      digest([](Batch& b) { b.Put(Family::kResource, "key", "valuf"); }),
      digest([](Batch& b) { b.Put(Family::kResource, "keyv", "alue"); }),
      digest([](Batch& b) { b.Put(Family::kRelease, "key", "value"); }),
      digest([](Batch& b) { b.Put(Family::kResource, "key", ""); }),
      digest([](Batch& b) { b.Delete(Family::kResource, "key"); }),
      digest([](Batch& b) {
        b.Put(Family::kResource, "a", "1");
        b.Put(Family::kResource, "b", "2");
      }),
      digest([](Batch& b) {
        b.Put(Family::kResource, "b", "2");
        b.Put(Family::kResource, "a", "1");
      }),
  };
  EXPECT_EQ(std::set<Digest>(all.begin(), all.end()).size(), all.size());
}

TEST(Batch, EveryFamilyHasItsOwnName) {
  std::set<std::string> names;
  for (int family = 0; family < kFamilyCount; ++family) {
    names.insert(std::string(FamilyName(static_cast<Family>(family))));
  }
  EXPECT_EQ(names.size(), kFamilyCount);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace lockstep
