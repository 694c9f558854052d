#include "common/text/duration.h"

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

TEST(ParseGoDuration, ReadsGosSyntax) {
  ASSERT_OK_AND_ASSIGN(const absl::Duration a, ParseGoDuration("1h1m30.5s"));
  EXPECT_EQ(a, absl::Hours(1) + absl::Seconds(90.5));
  ASSERT_OK_AND_ASSIGN(const absl::Duration b, ParseGoDuration("-1s"));
  EXPECT_EQ(b, -absl::Seconds(1));
  ASSERT_OK_AND_ASSIGN(const absl::Duration c, ParseGoDuration("0"));
  EXPECT_EQ(c, absl::ZeroDuration());
}

TEST(ParseGoDuration, A90RefusesWhatIsNoDurationOrHuge) {
  for (const char* text :
       {"", "s", "1", "1x", "1m 30s", "inf", "-inf", "1d", "9999999999999999h", "NaN"}) {
    EXPECT_FALSE(ParseGoDuration(text).ok()) << text;
  }
  EXPECT_THAT(
      ParseGoDuration("ten minutes"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "\"ten minutes\" is no duration; write one as \"30s\", \"5m\" or \"1h30m\""));
}

TEST(FormatGoDuration, IsReadBack) {
  EXPECT_EQ(FormatGoDuration(absl::Minutes(10)), "10m");
  EXPECT_EQ(FormatGoDuration(absl::Seconds(90)), "1m30s");
  EXPECT_EQ(FormatGoDuration(absl::Milliseconds(1500)), "1.5s");
  EXPECT_EQ(FormatGoDuration(absl::ZeroDuration()), "0s");
  for (const char* text : {"1h0.001s", "300ms", "24h"}) {
    ASSERT_OK_AND_ASSIGN(const absl::Duration duration, ParseGoDuration(text));
    EXPECT_EQ(*ParseGoDuration(FormatGoDuration(duration)), duration);
  }
}

}  // namespace
}  // namespace lockstep
