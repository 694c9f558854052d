#include "common/bundle/guard.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

namespace lockstep {
namespace {

std::vector<ObjectKey> ConfigMaps(int count) {
  std::vector<ObjectKey> keys;
  for (int i = 0; i < count; ++i)
    keys.push_back({"", "ConfigMap", "default", absl::StrCat("c", i)});
  return keys;
}

TEST(Guard, LetsFiveOrTenPercentGo) {
  EXPECT_FALSE(WeighDeletes({}, 0).held);
  EXPECT_FALSE(WeighDeletes(ConfigMaps(5), 6).held);
  EXPECT_TRUE(WeighDeletes(ConfigMaps(6), 7).held);
  EXPECT_TRUE(WeighDeletes(ConfigMaps(6), 59).held);
  EXPECT_FALSE(WeighDeletes(ConfigMaps(6), 60).held);
  EXPECT_FALSE(WeighDeletes(ConfigMaps(100), 1000).held);
  EXPECT_TRUE(WeighDeletes(ConfigMaps(101), 1000).held);
  EXPECT_EQ(WeighDeletes(ConfigMaps(12), 40).reason, "12 of 40 objects would be deleted");
}

TEST(Guard, HoldsEverythingHoweverLittle) {
  EXPECT_TRUE(WeighDeletes(ConfigMaps(1), 1).held);
  EXPECT_TRUE(WeighDeletes(ConfigMaps(3), 3).held);
}

TEST(Guard, HoldsProtectedKinds) {
  for (const ObjectKey& key :
       std::vector<ObjectKey>{{"", "Namespace", "", "a"},
                              {"apiextensions.k8s.io", "CustomResourceDefinition", "", "a"},
                              {"", "PersistentVolume", "", "a"},
                              {"", "PersistentVolumeClaim", "n", "a"},
                              {"storage.k8s.io", "StorageClass", "", "a"},
                              {"apps", "StatefulSet", "n", "a"}}) {
    const GuardVerdict verdict = WeighDeletes({key}, 100);
    EXPECT_TRUE(verdict.held) << key.ToString();
    EXPECT_THAT(verdict.reason, testing::HasSubstr(key.ToString()));
  }
  EXPECT_FALSE(WeighDeletes({{"example.com", "Namespace", "", "a"}}, 100).held);
}

}  // namespace
}  // namespace lockstep
