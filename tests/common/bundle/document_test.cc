#include "common/bundle/document.h"

#include <absl/strings/str_cat.h>

#include "common/base/random.h"
#include "common/bundle/manifest.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::_;
using testing::HasSubstr;

ManifestPtr RandomManifest(Rng* rng) {
  std::vector<ManifestEntry> entries;
  for (int i = 0; i < 300; ++i) {
    if (rng->Below(3) == 0) continue;
    entries.push_back({{i % 7 == 0 ? "apps" : "", "ConfigMap", "default", absl::StrCat("c", i)},
                       Digest::Of(absl::StrCat(rng->Below(3)))});
  }
  return *Manifest::Make(std::move(entries));
}

DocumentReference ReferenceTo(const std::string& bytes, const BundleDelta& delta) {
  return {Digest::Of(bytes), bytes.size(), delta.base, delta.target};
}

TEST(DeltaDocument, SaysWhatTheDeltaSaysInTheSameBytes) {
  const uint64_t seed = SystemRng()->Next();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  SeededRng rng(seed);
  for (int round = 0; round < 100; ++round) {
    const ManifestPtr a = round % 10 == 0 ? EmptyManifest() : RandomManifest(&rng);
    const ManifestPtr b = round % 10 == 1 ? EmptyManifest() : RandomManifest(&rng);
    const BundleDelta delta = ComputeDelta(*a, *b);
    const std::vector<ObjectKey> tombstones = {{"", "Secret", "x", absl::StrCat("t", round)}};
    const std::string bytes = EncodeDocument(delta, tombstones);
    ASSERT_OK_AND_ASSIGN(const DeltaDocument read,
                         DecodeDocument(ReferenceTo(bytes, delta), bytes));
    EXPECT_EQ(read.tombstones, tombstones);
    EXPECT_EQ(RemovedKeys(*a, read.delta), RemovedKeys(*a, delta));
    ASSERT_OK_AND_ASSIGN(const ManifestPtr result, ApplyDelta(*a, read.delta));
    EXPECT_EQ(result->digest(), b->digest());
    EXPECT_EQ(EncodeDocument(read.delta, read.tombstones), bytes);
  }
}

// What a hostile hub could serve: bytes that fit their own digest.
TEST(DeltaDocument, F25CutChangedOrLengthenedItIsNeverRead) {
  SeededRng rng(1);
  const ManifestPtr a = RandomManifest(&rng);
  const BundleDelta delta = ComputeDelta(*a, *RandomManifest(&rng));
  const std::string bytes = EncodeDocument(delta, {{"", "Secret", "x", "t"}});
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    const std::string less = bytes.substr(0, cut);
    EXPECT_THAT(DecodeDocument(ReferenceTo(bytes, delta), less),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
    EXPECT_THAT(DecodeDocument(ReferenceTo(less, delta), less),
                StatusIs(absl::StatusCode::kInvalidArgument, _))
        << cut;
  }
  EXPECT_THAT(DecodeDocument(ReferenceTo(bytes + "x", delta), bytes + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not written as one")));
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(rng.Next());
    const auto read = DecodeDocument(ReferenceTo(changed, delta), changed);
    if (!read.ok()) continue;
    const absl::StatusOr<ManifestPtr> result = ApplyDelta(*a, read->delta);
    EXPECT_TRUE(!result.ok() || (*result)->digest() == delta.target) << at;
  }
}

TEST(DeltaDocument, ACountTakesNoMemoryByItself) {
  std::string bytes = EncodeDocument(ComputeDelta(*EmptyManifest(), *EmptyManifest()), {});
  bytes.resize(bytes.size() - 3);  // The counts.
  bytes += "\xff\xff\xff\xff\xff\xff\x01";
  EXPECT_THAT(DecodeDocument({Digest::Of(bytes), bytes.size(), Digest(), Digest()}, bytes),
              StatusIs(absl::StatusCode::kInvalidArgument, _));
}

TEST(DeltaDocument, LeadsFromAndToWhatWasAnnounced) {
  SeededRng rng(1);
  const BundleDelta delta = ComputeDelta(*RandomManifest(&rng), *RandomManifest(&rng));
  const std::string bytes = EncodeDocument(delta, {});
  for (const bool base : {true, false}) {
    DocumentReference reference = ReferenceTo(bytes, delta);
    (base ? reference.base : reference.target) = Digest::Of("another");
    EXPECT_THAT(DecodeDocument(reference, bytes),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another manifest")));
  }
}

}  // namespace
}  // namespace lockstep
