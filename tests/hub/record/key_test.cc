#include "hub/record/key.h"

#include <algorithm>
#include <limits>

#include "common/base/random.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

// Keys in the order of their fields must be in bytewise order, read back as themselves, and not
// read when cut short.
template <typename Id, typename Build, typename Parse>
void CheckFamily(const std::vector<Id>& sorted, Build build, Parse parse) {
  std::string before;
  for (const Id& id : sorted) {
    const std::string key = build(id);
    EXPECT_LT(before, key);
    before = key;
    absl::StatusOr<Id> read = parse(key);
    ASSERT_OK(read);
    EXPECT_EQ(*read, id);
    EXPECT_THAT(parse(key + "x"), StatusIs(absl::StatusCode::kDataLoss, testing::_));
    for (size_t cut = 0; cut < key.size(); ++cut) {
      EXPECT_THAT(parse(key.substr(0, cut)), StatusIs(absl::StatusCode::kDataLoss, testing::_));
    }
  }
}

TEST(Key, MetaIsOrderedAndReadsBack) {
  CheckFamily<std::string>({"a", "ab", "b"}, MetaKey, ParseMetaKey);
}

TEST(Key, ResourceIsOrderedAndReadsBack) {
  // "shop-eu" sorts after "shop" although '-' is less than most: the NUL ends the shorter name
  // first.
  CheckFamily<ResourceId>({{"Application", "shop", "web"},
                           {"Application", "shop", "web-2"},
                           {"Application", "shop-eu", "api"},
                           {"Cluster", "", "eu-1"},
                           {"ClusterGroup", "", "eu"}},
                          ResourceRecordKey, ParseResourceRecordKey);
}

TEST(Key, SourceIsOrderedAndReadsBack) {
  CheckFamily<SourceId>({{"a", "z"}, {"a", "zz"}, {"a-b", "a"}}, SourceKey, ParseSourceKey);
}

TEST(Key, PlaceIsOrderedAndReadsBack) {
  CheckFamily<PlaceId>({{"eu-1", ""}, {"eu-1", "shop/web"}, {"eu-10", "shop/api"}}, PlaceKey,
                       ParsePlaceKey);
  EXPECT_EQ(PlaceKey({"eu-1", "a/b"})[0], kShard);
  EXPECT_THAT(ParsePlaceKey(std::string("\1eu-1\0a/b\0", 10)),
              StatusIs(absl::StatusCode::kDataLoss, testing::_));
}

TEST(Key, ReleaseIsOrderedAndReadsBack) {
  CheckFamily<ReleaseId>({{"a/b", 0, ""},
                          {"a/b", 9, "eu"},
                          {"a/b", 255, "eu"},
                          {"a/b", 256, ""},
                          {"a/b", 256, "eu"},
                          {"a/b", kMost, ""},
                          {"a/bc", 1, ""}},
                         ReleaseKey, ParseReleaseKey);
}

TEST(Key, CountersAreOrderedAndReadBack) {
  const std::vector<uint64_t> counters = {0, 1, 255, 256, 65'536, kMost - 1, kMost};
  CheckFamily<uint64_t>(counters, EventKey, ParseEventKey);
  CheckFamily<uint64_t>(counters, ChainKey, ParseChainKey);
}

TEST(Key, BlobReadsBack) {
  std::vector<Digest> digests = {Digest::Of("a"), Digest::Of("b"), Digest::Of("c")};
  std::sort(digests.begin(), digests.end());
  CheckFamily<Digest>(digests, BlobKey, ParseBlobKey);
}

TEST(Key, IdentityIsOrderedAndReadsBack) {
  CheckFamily<IdentityId>({{.kind = IdentityRecordKind::kCluster, .cluster = "eu-1"},
                           {.kind = IdentityRecordKind::kCluster, .cluster = "eu-10"},
                           {.kind = IdentityRecordKind::kRevoked, .digest = Digest::Of("key")},
                           {.kind = IdentityRecordKind::kToken, .digest = Digest::Of("token")}},
                          IdentityKey, ParseIdentityKey);
  EXPECT_THAT(ParseIdentityKey("x" + std::string(32, 'a')),
              StatusIs(absl::StatusCode::kDataLoss, testing::_));
}

TEST(Key, PrefixesHoldTheirOwnAndNoNeighbour) {
  const auto begins = [](const std::string& key, const std::string& prefix) {
    return key.rfind(prefix, 0) == 0;
  };
  EXPECT_TRUE(begins(ResourceRecordKey({"Cluster", "", "a"}), ResourcePrefix("Cluster")));
  EXPECT_FALSE(begins(ResourceRecordKey({"ClusterGroup", "", "a"}), ResourcePrefix("Cluster")));
  EXPECT_TRUE(begins(ResourceRecordKey({"Application", "a", "x"}), ResourcePrefix("Application", "a")));
  EXPECT_FALSE(begins(ResourceRecordKey({"Application", "ab", "x"}), ResourcePrefix("Application", "a")));
  EXPECT_TRUE(begins(PlaceKey({"eu-1", "a/b"}), PlacePrefix("eu-1")));
  EXPECT_FALSE(begins(PlaceKey({"eu-10", "a/b"}), PlacePrefix("eu-1")));
  EXPECT_TRUE(begins(ReleaseKey({"a/b", 7, "eu"}), ReleasePrefix("a/b", 7)));
  EXPECT_FALSE(begins(ReleaseKey({"a/b", 8, "eu"}), ReleasePrefix("a/b", 7)));
  EXPECT_FALSE(begins(ReleaseKey({"a/bc", 7, "eu"}), ReleasePrefix("a/b")));
}

TEST(Key, RandomBytesNeverCrashAParser) {
  SeededRng rng(20'240'607);
  for (int round = 0; round < 20'000; ++round) {
    std::string key;
    for (uint64_t left = rng.Below(48); left > 0; --left) {
      key.push_back(static_cast<char>(rng.Below(4) == 0 ? 0 : rng.Next()));
    }
    const auto round_trip = [&key](auto parsed, auto build) {
      if (parsed.ok()) {
        EXPECT_EQ(build(*parsed), key);
      }
    };
    round_trip(ParseMetaKey(key), MetaKey);
    round_trip(ParseResourceRecordKey(key), [](const ResourceId& id) { return ResourceRecordKey(id); });
    round_trip(ParseSourceKey(key), SourceKey);
    round_trip(ParsePlaceKey(key), PlaceKey);
    round_trip(ParseReleaseKey(key), ReleaseKey);
    round_trip(ParseBlobKey(key), BlobKey);
    round_trip(ParseIdentityKey(key), IdentityKey);
  }
}

TEST(KeyDeathTest, RefusesANameWithNul) {
  EXPECT_DEATH(MetaKey(absl::string_view("a\0b", 3)), "holds NUL");
}

}  // namespace
}  // namespace lockstep
