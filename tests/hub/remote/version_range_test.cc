#include "hub/remote/version_range.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

TEST(Version, IsOrderedAsSemverSays) {
  const std::vector<std::string> ascending = {
      "0.0.1",      "0.1.0",        "1.0.0-alpha",   "1.0.0-alpha.1", "1.0.0-alpha.beta",
      "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",    "1.0.0",
      "1.0.1",      "1.2.0",        "1.10.0",        "2.0.0",         "10.0.0"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t k = 0; k < ascending.size(); ++k) {
      EXPECT_EQ(*Version::Parse(ascending[i]) <=> *Version::Parse(ascending[k]), i <=> k)
          << ascending[i] << " and " << ascending[k];
    }
  }
  EXPECT_EQ(*Version::Parse("v1.2.3+build.7"), *Version::Parse("1.2.3"));
}

TEST(Version, RefusesWhatIsNone) {
  for (const char* text :
       {"", "v", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b",
        "1.2.3+", "vv1.2.3", "1.2.x", "1.2.3 ", "99999999999999999999.0.0", "release-1.2.3"}) {
    EXPECT_FALSE(Version::Parse(text).has_value()) << text;
  }
}

struct Case {
  const char* range;
  std::vector<const char*> in;
  std::vector<const char*> out;
};

TEST(VersionRange, MeansWhatFluxMeans) {
  const std::vector<Case> cases = {
      {">=1.0.0 <2.0.0", {"1.0.0", "1.9.9"}, {"0.9.9", "2.0.0", "1.5.0-rc.1", "2.0.0-rc.1"}},
      {">=1.0.0, <2.0.0", {"1.0.0"}, {"2.0.0"}},
      {">= 1.0.0,<2", {"1.0.0", "1.9.0"}, {"2.0.0"}},
      {"^1.2", {"1.2.0", "1.9.0"}, {"1.1.9", "2.0.0", "1.3.0-rc.1"}},
      {"^1.2.3", {"1.2.3", "1.3.0"}, {"1.2.2", "2.0.0"}},
      {"^1", {"1.0.0", "1.9.0"}, {"2.0.0", "0.9.0"}},
      {"^0.2.3", {"0.2.3", "0.2.9"}, {"0.3.0", "0.2.2", "1.0.0"}},
      {"^0.0.3", {"0.0.3"}, {"0.0.4", "0.1.3"}},
      {"^0.0", {"0.0.0", "0.0.9"}, {"0.1.0"}},
      {"^0", {"0.0.1", "0.9.0"}, {"1.0.0"}},
      {"~1.2", {"1.2.0", "1.2.9"}, {"1.3.0", "1.1.0"}},
      {"~1.2.3", {"1.2.3", "1.2.9"}, {"1.2.2", "1.3.0"}},
      {"~1", {"1.0.0", "1.9.9"}, {"2.0.0"}},
      {"~>1.2", {"1.2.4"}, {"1.3.0"}},
      {"~0.0.0", {"0.0.0", "5.0.0"}, {}},
      {"1.x", {"1.0.0", "1.9.9"}, {"2.0.0", "0.9.0", "1.0.0-rc.1"}},
      {"1.2.X", {"1.2.9"}, {"1.3.0"}},
      {"1", {"1.5.0"}, {"2.0.0"}},
      {"1.2", {"1.2.5"}, {"1.3.0"}},
      {"v1.2.3", {"1.2.3", "v1.2.3"}, {"1.2.4"}},
      {"*", {"0.0.0", "9.9.9"}, {"1.0.0-rc.1"}},
      {"x", {"3.0.0"}, {}},
      {"1.x.3", {"1.7.0"}, {"2.0.0"}},
      {"*-0", {"1.0.0-rc.1", "1.0.0"}, {}},
      {">=1.0.0-0", {"1.0.0-rc.1", "1.0.0", "2.0.0-rc.1"}, {"0.9.0"}},
      {">=1.0.0-0 <2.0.0", {"1.0.0"}, {"1.1.0-rc.1"}},
      {">1", {"2.0.0"}, {"1.0.0", "1.9.9"}},
      {">1.2", {"1.3.0", "2.0.0"}, {"1.2.9"}},
      {">1.2.3", {"1.2.4"}, {"1.2.3"}},
      {"<=1", {"1.9.9", "0.1.0"}, {"2.0.0"}},
      {"<=1.2", {"1.2.9", "1.0.0"}, {"1.3.0", "2.1.0"}},
      {"=<1.2.3", {"1.2.3"}, {"1.2.4"}},
      {"=>1.2.3", {"1.2.3"}, {"1.2.2"}},
      {"!=1.2.3", {"1.2.4", "1.2.3-rc.1"}, {"1.2.3"}},
      {"!=1.x", {"2.0.0"}, {"1.0.0", "1.9.0"}},
      {"!=1.2.x", {"1.3.0"}, {"1.2.3"}},
      {">=1.0.0 !=1.5.0 <2", {"1.4.0", "1.6.0"}, {"1.5.0", "2.0.0"}},
      {"1.2 - 1.4.5", {"1.2.0", "1.4.5"}, {"1.1.9", "1.4.6"}},
      {"1.2 - 1.4", {"1.4.9"}, {"1.5.0"}},
      {"^1.2 || ^3", {"1.5.0", "3.1.0"}, {"2.0.0", "4.0.0"}},
      {"<1.0.0||>=2.0.0", {"0.5.0", "2.0.0"}, {"1.5.0"}},
  };
  for (const Case& c : cases) {
    ASSERT_OK_AND_ASSIGN(const VersionRange range, VersionRange::Parse(c.range));
    for (const char* text : c.in) {
      EXPECT_TRUE(range.Contains(*Version::Parse(text))) << text << " in " << c.range;
    }
    for (const char* text : c.out) {
      EXPECT_FALSE(range.Contains(*Version::Parse(text))) << text << " in " << c.range;
    }
  }
}

TEST(VersionRange, RefusesWhatIsNone) {
  for (const char* text : {"", " ", "||", "^1 ||", "latest", ">", ">>1", "1.2.3.4", "1,", ",1",
                           "1.a", "^1.2-", "1 - ", "01.2.3"}) {
    EXPECT_THAT(VersionRange::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("spec.ref.semver")))
        << text;
  }
  EXPECT_THAT(VersionRange::Parse(std::string(1000, '1')),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("256")));
}

}  // namespace
}  // namespace lockstep
