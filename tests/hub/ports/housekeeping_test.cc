#include "hub/ports/housekeeping.h"

#include "hub/record/key.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

ManifestPtr ManifestOf(absl::string_view content) {
  return *Manifest::Make({{{"", "ConfigMap", "default", "a"}, Digest::Of(content)}});
}

class HousekeepingTest : public testing::Test {
 protected:
  void Put(const Digest& digest) {
    Batch batch;
    batch.Put(Family::kBlob, BlobKey(digest), "x");
    ASSERT_OK(store_.Append(batch));
  }
  bool Has(const Digest& digest) { return store_.Get(Family::kBlob, BlobKey(digest)).ok(); }

  ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  ModelStore store_{&clock_};
  HubState state_;
};

TEST_F(HousekeepingTest, KeepsWhatAnyTargetNames) {
  Instance& instance = state_.clusters["eu-1"].instances["shop/web"];
  instance.assignment.manifest = ManifestOf("assigned");
  instance.before = ManifestOf("before");
  instance.received.manifest = ManifestOf("received");
  instance.waiting = Candidate{ManifestOf("waiting"), nullptr, "", false};
  for (const char* kept : {"assigned", "before", "received", "waiting"}) {
    Put(Digest::Of(kept));
    Put(ManifestOf(kept)->digest());
  }
  Put(Digest::Of("old"));
  ASSERT_OK(SweepStore(&store_, state_, clock_.Now()));
  for (const char* kept : {"assigned", "before", "received", "waiting"}) {
    EXPECT_TRUE(Has(Digest::Of(kept))) << kept;
    EXPECT_TRUE(Has(ManifestOf(kept)->digest())) << kept;
  }
  EXPECT_FALSE(Has(Digest::Of("old")));
}

TEST_F(HousekeepingTest, A89_TouchesNothingWhereRecordsWerePutAside) {
  Put(Digest::Of("old"));
  state_.quarantined = {"assignment/eu-1/shop/web"};
  ASSERT_OK(SweepStore(&store_, state_, clock_.Now()));
  EXPECT_TRUE(Has(Digest::Of("old")));
}

}  // namespace
}  // namespace lockstep
