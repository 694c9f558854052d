#include "common/base/utf8.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Utf8, A30TellsUtf8FromWhatOnlyLooksLikeIt) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("größe \xF0\x9F\x9A\x80 \xEF\xBF\xBD"));
  EXPECT_TRUE(IsUtf8(absl::string_view("a\0b", 3)));
  EXPECT_FALSE(IsUtf8("\xFF"));
  EXPECT_FALSE(IsUtf8("\xC0\xAF")) << "overlong";
  EXPECT_FALSE(IsUtf8("\xE0\x80\xAF")) << "overlong";
  EXPECT_FALSE(IsUtf8("\xF0\x80\x80\x80")) << "overlong";
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80")) << "surrogate";
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80")) << "over U+10FFFF";
  EXPECT_FALSE(IsUtf8("\xE2\x82")) << "cut";
  EXPECT_FALSE(IsUtf8("\x80"));
}

TEST(Utf8, A30SanitizingGivesUtf8AndKeepsWhatIsRight) {
  EXPECT_EQ(SanitizeUtf8("größe", 100), "größe");
  EXPECT_EQ(SanitizeUtf8("a\xFF\x62", 100), "a\xEF\xBF\xBD\x62");
  EXPECT_EQ(SanitizeUtf8("\xE2\x82", 100), "\xEF\xBF\xBD");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'x'};
      EXPECT_TRUE(IsUtf8(SanitizeUtf8(text, 100)));
    }
  }
}

TEST(Utf8, CutsAtABorderOfCharacters) {
  EXPECT_EQ(SanitizeUtf8("aé", 2), "a");
  EXPECT_EQ(SanitizeUtf8("aé", 3), "aé");
  EXPECT_EQ(SanitizeUtf8("abc", 2), "ab");
}

}  // namespace
}  // namespace lockstep
