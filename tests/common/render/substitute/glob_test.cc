#include "common/render/substitute/glob.h"

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep::substitute {
namespace {

bool Matches(absl::string_view pattern, absl::string_view text) {
  uint64_t steps = 1'000'000;
  const absl::StatusOr<bool> matches = MatchGlob(pattern, text, &steps);
  EXPECT_OK(matches);
  return matches.ok() && *matches;
}

TEST(Glob, MatchesTheWholeText) {
  EXPECT_TRUE(Matches("abc", "abc"));
  EXPECT_FALSE(Matches("ab", "abc"));
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
}

TEST(Glob, AStarIsAnyTextSlashesIncluded) {
  EXPECT_TRUE(Matches("a*c", "abbc"));
  EXPECT_TRUE(Matches("*", "a/b"));
  EXPECT_TRUE(Matches("a*/b*c", "a//x/bc"));
  EXPECT_FALSE(Matches("a*c", "abcd"));
}

TEST(Glob, AQuestionMarkIsACharacter) {
  EXPECT_TRUE(Matches("a?c", "aéc"));
  EXPECT_FALSE(Matches("a?c", "ac"));
}

TEST(Glob, ASetIsOneOfItsCharacters) {
  EXPECT_TRUE(Matches("[a-c]x", "bx"));
  EXPECT_FALSE(Matches("[^a-c]x", "bx"));
  EXPECT_TRUE(Matches("[\\]é]x", "éx"));
}

TEST(Glob, ABackslashTakesTheMeaning) {
  EXPECT_TRUE(Matches("a\\*", "a*"));
  EXPECT_FALSE(Matches("a\\*", "ab"));
}

TEST(Glob, RefusesWhatIsNoPattern) {
  uint64_t steps = 100;
  EXPECT_EQ(MatchGlob("[", "a", &steps).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MatchGlob("\\", "a", &steps).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MatchGlob("[]", "a", &steps).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Glob, GivesUpWhereTheStepsAreUsedUp) {
  uint64_t steps = 1'000;
  EXPECT_EQ(MatchGlob("*a*b", std::string(1'000, 'a'), &steps).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace lockstep::substitute
