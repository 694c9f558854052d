#include "hub/cli/output.h"

#include <gmock/gmock.h>

namespace lockstep {
namespace {

TEST(Table, AlignsColumnsAndEscapesCells) {
  Table table({"NAME", "STATE", "MESSAGE"});
  table.AddRow({"größe", "Synced", ""});
  table.AddRow({"b", "", "red \x1b[31m"});
  EXPECT_EQ(table.ToString(),
            "NAME   STATE   MESSAGE\n"
            "größe  Synced\n"
            "b              red \\x1b[31m\n");
  EXPECT_EQ(Table({"NAME"}).ToString(), "");
}

TEST(ShortAge, UsesTheLargestUnit) {
  EXPECT_EQ(ShortAge(absl::Seconds(-3)), "0s");
  EXPECT_EQ(ShortAge(absl::Seconds(119)), "119s");
  EXPECT_EQ(ShortAge(absl::Minutes(3)), "3m");
  EXPECT_EQ(ShortAge(absl::Hours(47)), "47h");
  EXPECT_EQ(ShortAge(absl::Hours(72)), "3d");
  EXPECT_EQ(ShortAge(absl::InfiniteDuration()), "");
}

TEST(ShortRevision, KeepsSevenDigits) {
  EXPECT_EQ(ShortRevision("main@sha1:4f2c1e9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "main@4f2c1e9");
  EXPECT_EQ(ShortRevision(
                "\"apps/web\" is not in main@sha1:4f2c1e9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; was "
                "in v1@sha1:0123456789012345678901234567890123456789"),
            "\"apps/web\" is not in main@4f2c1e9; was in v1@0123456");
  EXPECT_EQ(ShortRevision("ends in @sha1:"), "ends in @");
  EXPECT_EQ(ShortRevision(""), "");
  EXPECT_EQ(ShortRevision("odd"), "odd");
}

TEST(OneLine, JoinsLinesAndEscapes) {
  EXPECT_EQ(OneLine("a.yaml:3: x\n  b.yaml:4: y\n"), "a.yaml:3: x; b.yaml:4: y");
  EXPECT_EQ(OneLine("nothing was applied:\na.yaml:3: x"), "nothing was applied: a.yaml:3: x");
  EXPECT_EQ(OneLine("red \x1b[31m"), "red \\x1b[31m");
  EXPECT_EQ(OneLine(""), "");
}

TEST(ForTerminal, A15_EscapesWhatDrivesATerminal) {
  EXPECT_EQ(ForTerminal("plain ü"), "plain ü");
  EXPECT_EQ(ForTerminal("a\x1b]0;x\x07"), "a\\x1b]0;x\\x07");
  EXPECT_EQ(ForTerminal("a\nb"), "a\\x0ab");
  EXPECT_EQ(ForTerminal("a\nb", /*multiline=*/true), "a\nb");
  EXPECT_EQ(ForTerminal("\xc2\x9b"), "\\u009b");
  EXPECT_EQ(ForTerminal("\xff\xc3"), "\\xff\\xc3");
}

}  // namespace
}  // namespace lockstep
