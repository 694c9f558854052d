#include "hub/record/chain.h"

#include "hub/record/key.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

Batch Decision(absl::string_view value) {
  Batch batch;
  batch.Put(Family::kAssignment, "key", std::string(value));
  return batch;
}

TEST(NextCommit, StandsStillWithoutDecisions) {
  const CommitPoint last = NextCommit({}, Decision("a"));
  Batch observations;
  observations.Put(Family::kStatus, "key", "value");
  EXPECT_EQ(NextCommit(last, observations), last);
  EXPECT_EQ(NextCommit(last, Batch()), last);
}

TEST(NextCommit, CountsAndHashesAllThatCameBefore) {
  const CommitPoint a = NextCommit({}, Decision("a"));
  const CommitPoint ab = NextCommit(a, Decision("b"));
  const CommitPoint bb = NextCommit(NextCommit({}, Decision("b")), Decision("b"));
  EXPECT_EQ(a.counter, 1);
  EXPECT_EQ(ab.counter, 2);
  EXPECT_EQ(bb.counter, 2);
  EXPECT_NE(ab.chain, bb.chain);
}

TEST(NextCommit, IsSha256OfChainAndDecisions) {
  const Batch batch = Decision("a");
  const std::string text(Digest().bytes());
  EXPECT_EQ(NextCommit({}, batch).chain,
            Digest::Of(text + std::string(batch.DecisionDigest().bytes())));
}

TEST(NextCommit, StartsWhereABatchRaisesTheCounterTo) {
  Batch raised = Decision("a");
  raised.RaiseCounterTo(1'000);
  Batch all = Decision("b");
  all.Append(std::move(raised));
  EXPECT_EQ(NextCommit({.counter = 41}, all).counter, 1'000);
  EXPECT_EQ(NextCommit({.counter = 2'000}, all).counter, 2'001);
}

TEST(ChainLink, ReadsBackWhatItWrote) {
  const ChainLink link{.point = NextCommit({.counter = 41}, Decision("a")),
                       .time = absl::FromUnixMillis(1'700'000'000'123)};
  const Batch batch = EncodeChainLink(link);
  ASSERT_EQ(batch.records().size(), 1);
  ASSERT_OK_AND_ASSIGN(ChainLink read,
                       ParseChainLink(batch.records()[0].key, *batch.records()[0].value));
  EXPECT_EQ(read.point, link.point);
  EXPECT_EQ(read.time, link.time);
}

TEST(ChainLink, RefusesDamage) {
  EXPECT_THAT(ParseChainLink("short", ""), StatusIs(absl::StatusCode::kDataLoss, testing::_));
  EXPECT_THAT(ParseChainLink(ChainKey(7), "\xff\xff"),
              StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("commit 7")));
  EXPECT_THAT(ParseChainLink(ChainKey(7), ""), StatusIs(absl::StatusCode::kDataLoss, testing::_));
}

}  // namespace
}  // namespace lockstep
