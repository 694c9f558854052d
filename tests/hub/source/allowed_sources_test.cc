#include "hub/source/allowed_sources.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

AllowedSources Allow(const std::vector<std::string>& patterns) {
  return AllowedSources::Parse(patterns).value();
}

GitUrl Url(const char* text) { return GitUrl::Parse(text).value(); }

IpAddress Address(const char* text) { return IpAddress::Parse(text).value(); }

TEST(AllowedSources, WithoutPatternsAllowsHttpsAndSshToTheOpenInternet) {
  const AllowedSources allowed;
  EXPECT_OK(allowed.CheckUrl(Url("https://git.example.com/x")));
  EXPECT_OK(allowed.CheckUrl(Url("git@git.example.com:x")));
  EXPECT_THAT(allowed.CheckUrl(Url("http://git.example.com/x")),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")));
  EXPECT_THAT(allowed.CheckUrl(Url("file:///srv/git/x")),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")));
}

TEST(AllowedSources, A18KnowsWhatIsNotOnTheOpenInternet) {
  const AddressPolicy policy = AllowedSources().PolicyFor(Url("https://git.example.com/x"));
  for (const char* text : {"127.0.0.1",
                           "127.255.0.1",
                           "0.0.0.0",
                           "10.1.2.3",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "224.0.0.1",
                           "255.255.255.255",
                           "198.18.0.1",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "fe80::1",
                           "fc00::1",
                           "fd12::1",
                           "ff02::1",
                           "64:ff9b::7f00:1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "2001:0:7f00::1",
                           "64:ff9b::a9fe:a9fe",
                           "::127.0.0.1"}) {
    EXPECT_THAT(policy.Check(Address(text)),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")))
        << text;
  }
  for (const char* text :
       {"8.8.8.8", "172.32.0.1", "140.82.121.4", "2606:4700::1111", "::ffff:8.8.8.8"}) {
    EXPECT_OK(policy.Check(Address(text))) << text;
  }
}

TEST(AllowedSources, APrefixEndsWhereAPartOfTheUrlEnds) {
  const AllowedSources allowed =
      Allow({"http://a.example/x", "http://b.example", "file:///srv/git"});
  EXPECT_OK(allowed.CheckUrl(Url("http://a.example/x")));
  EXPECT_OK(allowed.CheckUrl(Url("http://a.example/x/y.git")));
  EXPECT_OK(allowed.CheckUrl(Url("http://A.example:80/x/y.git")));
  EXPECT_OK(allowed.CheckUrl(Url("http://b.example/any")));
  EXPECT_OK(allowed.CheckUrl(Url("file:///srv/git/fleet.git")));
  for (const char* text : {"http://a.example/xy", "http://a.example/y", "http://a.example:8080/x",
                           "http://b.example.evil.test/x", "http://b.example:8080/x",
                           "file:///srv/gitx/y", "file:///srv"}) {
    EXPECT_FALSE(allowed.CheckUrl(Url(text)).ok()) << text;
  }
}

TEST(AllowedSources, APrefixAllowsAnyAddressOnlyForItsUrls) {
  const AllowedSources allowed = Allow({"https://git.internal/team", "ssh://git.internal"});
  EXPECT_OK(allowed.PolicyFor(Url("https://git.internal/team/x")).Check(Address("10.0.0.1")));
  EXPECT_OK(allowed.PolicyFor(Url("ssh://any@git.internal/x")).Check(Address("10.0.0.1")));
  EXPECT_OK(allowed.PolicyFor(Url("git@git.internal:team/x")).Check(Address("10.0.0.1")));
  EXPECT_FALSE(
      allowed.PolicyFor(Url("https://git.internal/teams/x")).Check(Address("10.0.0.1")).ok());
  EXPECT_FALSE(allowed.PolicyFor(Url("https://other/team/x")).Check(Address("10.0.0.1")).ok());
}

TEST(AllowedSources, ARangeAllowsItsAddressesButNeitherHttpNorFiles) {
  const AllowedSources allowed = Allow({"10.0.0.0/9", "fd00::/8", "192.168.7.7"});
  const AddressPolicy policy = allowed.PolicyFor(Url("https://git.internal/x"));
  EXPECT_OK(policy.Check(Address("10.127.255.255")));
  EXPECT_FALSE(policy.Check(Address("10.128.0.0")).ok());
  EXPECT_OK(policy.Check(Address("fd12:3456::1")));
  EXPECT_FALSE(policy.Check(Address("fc00::1")).ok());
  EXPECT_OK(policy.Check(Address("192.168.7.7")));
  EXPECT_FALSE(policy.Check(Address("192.168.7.8")).ok());
  EXPECT_FALSE(allowed.CheckUrl(Url("http://10.0.0.1/x")).ok());
}

TEST(AllowedSources, RefusesPatternsThatAreNeither) {
  for (const char* pattern : {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "git.internal",
                              "ftp://x/y", "https://u:canary@git.internal/x", "*"}) {
    const std::vector<std::string> patterns = {pattern};
    EXPECT_THAT(
        AllowedSources::Parse(patterns),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 testing::AllOf(HasSubstr("--allow-source"), testing::Not(HasSubstr("canary")))))
        << pattern;
  }
}

}  // namespace
}  // namespace lockstep
