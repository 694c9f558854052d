#include "common/text/utf8.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(Utf8, TakesEveryWellFormedLength) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
  EXPECT_TRUE(IsUtf8("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST(Utf8, FindsTheFirstBadByteAtAnyPosition) {
  for (const absl::string_view bad :
       {"\xff", "\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
    for (size_t before = 0; before < 20; ++before) {
      const std::string text = std::string(before, 'a') + std::string(bad) + "aaaaaaaaa";
      EXPECT_EQ(FindInvalidUtf8(text), before);
    }
  }
}

TEST(Utf8, A30FreeTextIsMadeSafe) {
  EXPECT_EQ(ToUtf8("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(ToUtf8("a\xff\xfe"
                   "b\xed\xa0\x80"),
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(ToUtf8(absl::string_view("a\0b", 3)),
            "a\xef\xbf\xbd"
            "b");
  EXPECT_EQ(ToUtf8("cut\xe2\x82"), "cut\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace lockstep
