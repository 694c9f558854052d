#include "common/text/nearest.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(NearestWord, FindsWhatWasMeant) {
  const std::vector<std::string> words = {"applications", "clusters", "gitrepositories", "secrets"};
  EXPECT_EQ(NearestWord("cluster", words), "clusters");
  EXPECT_EQ(NearestWord("aplications", words), "applications");
  EXPECT_EQ(NearestWord("secerts", words), "secrets");
  EXPECT_EQ(NearestWord("SECRETS", words), "");  // Half the letters' worth of changes of case.
  EXPECT_EQ(NearestWord("Secrets", words), "secrets");
}

TEST(NearestWord, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(NearestWord("banana", {"apply", "get", "diff"}), "");
  EXPECT_EQ(NearestWord("", {"a"}), "");
  EXPECT_EQ(NearestWord("x", {""}), "");
  EXPECT_EQ(NearestWord(std::string(100'000, 'x'), {"x"}), "");
  EXPECT_EQ(NearestWord("x", {}), "");
}

TEST(NearestWord, TakesTheFirstOfEquals) {
  EXPECT_EQ(NearestWord("spac", {"spec", "spat"}), "spec");
}

}  // namespace
}  // namespace lockstep
