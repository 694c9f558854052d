#include "common/bundle/delta.h"

#include <absl/strings/str_cat.h>

#include "common/base/random.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::_;
using testing::HasSubstr;

ManifestPtr RandomManifest(Rng* rng) {
  std::vector<ManifestEntry> entries;
  for (int i = 0; i < 20; ++i) {
    if (rng->Below(3) == 0) continue;
    entries.push_back({{"", "ConfigMap", "default", absl::StrCat("c", i)},
                       Digest::Of(absl::StrCat(rng->Below(3)))});
  }
  return *Manifest::Make(std::move(entries));
}

TEST(Delta, LeadsFromAnyManifestToAnyOther) {
  const uint64_t seed = SystemRng()->Next();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  SeededRng rng(seed);
  for (int round = 0; round < 500; ++round) {
    const ManifestPtr a = RandomManifest(&rng);
    const ManifestPtr b = RandomManifest(&rng);
    const BundleDelta delta = ComputeDelta(*a, *b);
    ASSERT_OK_AND_ASSIGN(const ManifestPtr result, ApplyDelta(*a, delta));
    ASSERT_EQ(result->digest(), b->digest());
    for (const ObjectKey& key : RemovedKeys(*a, delta)) {
      EXPECT_NE(a->Find(key), nullptr);
      EXPECT_EQ(b->Find(key), nullptr);
    }
    ASSERT_OK_AND_ASSIGN(const ManifestPtr decoded, a->empty() ? absl::StatusOr<ManifestPtr>(a)
                                                               : Manifest::Decode(a->Encode()));
    EXPECT_EQ(decoded->entries(), a->entries());
  }
}

TEST(Delta, RefusesAnotherBaseAndDamage) {
  SeededRng rng(1);
  const ManifestPtr a = RandomManifest(&rng);
  const ManifestPtr b = RandomManifest(&rng);
  BundleDelta delta = ComputeDelta(*a, *b);
  EXPECT_THAT(ApplyDelta(*b, delta),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("starts from")));
  BundleDelta damaged = delta;
  damaged.target = Digest::Of("other");
  EXPECT_THAT(ApplyDelta(*a, damaged), StatusIs(absl::StatusCode::kDataLoss, _));
  damaged = delta;
  damaged.removed.push_back(1000);
  EXPECT_THAT(ApplyDelta(*a, damaged), StatusIs(absl::StatusCode::kInvalidArgument, _));
}

TEST(Manifest, RefusesATwiceNamedObjectAndDamagedBytes) {
  const ObjectKey key{"", "ConfigMap", "default", "a"};
  EXPECT_THAT(
      Manifest::Make({{key, Digest::Of("1")}, {key, Digest::Of("2")}}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ConfigMap default/a stands twice")));
  const std::string bytes = (*Manifest::Make({{key, Digest::Of("1")}}))->Encode();
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_THAT(Manifest::Decode(bytes.substr(0, i)), StatusIs(absl::StatusCode::kDataLoss, _))
        << i;
  }
  EXPECT_FALSE(Manifest::Decode(bytes + "x").ok());
}

}  // namespace
}  // namespace lockstep
