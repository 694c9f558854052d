#include "common/bundle/key_list.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

std::vector<ObjectKey> Keys(int count) {
  std::vector<ObjectKey> keys;
  for (int i = 0; i < count; ++i) keys.push_back({"", "Kind", "ns", std::string(10, 'n')});
  return keys;
}

TEST(KeyList, IsCutAtTheLastKeyThatIsWithinTheBytes) {
  std::vector<ObjectKey> keys = Keys(10);
  const size_t one = KeyListBytes(keys[0]);
  EXPECT_EQ(KeyListBytes(keys), 10 * one);
  EXPECT_EQ(KeysWithin(keys, 0, 4 * one), 4u);
  EXPECT_EQ(KeysWithin(keys, 7, 4 * one), 3u);
  EXPECT_EQ(KeysWithin(keys, 10, 4 * one), 0u);
  CutKeyList(4 * one - 1, &keys);
  EXPECT_EQ(keys.size(), 3u);
}

TEST(KeyList, APartHasAtLeastOneKey) { EXPECT_EQ(KeysWithin(Keys(2), 0, 1), 1u); }

}  // namespace
}  // namespace lockstep
