#include "common/credentials/join_token.h"

#include <absl/container/flat_hash_set.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

JoinToken Example() {
  return MakeJoinToken("eu-3", Digest::Of("ca"),
                       {{"hub.example.com", 7443, 7444}, {"2001:db8::1", 1, 65535}});
}

TEST(JoinToken, SurvivesItsText) {
  const JoinToken token = Example();
  ASSERT_OK_AND_ASSIGN(const JoinToken read, ParseJoinToken(" " + FormatJoinToken(token) + "\n"));
  EXPECT_EQ(read.secret, token.secret);
  EXPECT_EQ(read.ca_fingerprint, token.ca_fingerprint);
  EXPECT_EQ(read.cluster, token.cluster);
  EXPECT_EQ(read.hubs, token.hubs);
}

TEST(JoinToken, AnyChangeOfACharacterOrItsEndIsRefusedWithoutShowingIt) {
  const std::string text = FormatJoinToken(Example());
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(ParseJoinToken(changed),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("join token")))
        << i;
    EXPECT_THAT(ParseJoinToken(text.substr(0, i)),
                StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr(text.substr(5, 20)))))
        << i;
  }
  EXPECT_THAT(ParseJoinToken(text + "="), Not(IsOk()));
  EXPECT_THAT(ParseJoinToken(text + "AAAA"), Not(IsOk()));
  EXPECT_THAT(ParseJoinToken(text + " " + text), Not(IsOk()));
}

TEST(JoinToken, AWellFormedOneWithBadContentIsRefused) {
  for (const auto& spoil : std::vector<void (*)(JoinToken&)>{
           [](JoinToken& t) { t.cluster = "eu.3"; },
           [](JoinToken& t) { t.hubs.clear(); },
           [](JoinToken& t) { t.hubs.assign(9, t.hubs[0]); },
           [](JoinToken& t) { t.hubs[0].host = "hub example"; },
           [](JoinToken& t) { t.hubs[0].port = 0; },
           [](JoinToken& t) { t.secret.pop_back(); },
           [](JoinToken& t) { t.secret.push_back('x'); },
       }) {
    JoinToken token = Example();
    spoil(token);
    EXPECT_THAT(ParseJoinToken(FormatJoinToken(token)), Not(IsOk()));
  }
}

TEST(A53JoinToken, AHundredThousandAreDistinctAndOf256Bits) {
  absl::flat_hash_set<std::string> secrets;
  for (int i = 0; i < 100'000; ++i) secrets.insert(MakeJoinToken("c", Digest(), {}).secret);
  EXPECT_EQ(secrets.size(), 100'000u);
  size_t ones = 0;
  for (const std::string& secret : secrets) {
    ASSERT_EQ(secret.size(), 32u);
    for (const char byte : secret)
      ones += static_cast<size_t>(__builtin_popcount(static_cast<uint8_t>(byte)));
  }
  EXPECT_NEAR(static_cast<double>(ones), 12'800'000, 15'000);  // Nearly six standard deviations.
}

TEST(A53JoinToken, ItsHashDoesNotTellIt) {
  const JoinToken token = Example();
  EXPECT_EQ(HashTokenSecret(token.secret), Digest::Of(token.secret));
  EXPECT_NE(HashTokenSecret(token.secret).bytes(), token.secret);
}

TEST(ParseHubAddress, TakesNamesAndAddressesWithAndWithoutPort) {
  const auto parsed = [](absl::string_view text) { return ParseHubAddress(text).value(); };
  EXPECT_EQ(parsed("hub"), (HubAddress{"hub", kDefaultPort, kDefaultEnrolmentPort}));
  EXPECT_EQ(parsed("hub.example.com:1"), (HubAddress{"hub.example.com", 1, kDefaultEnrolmentPort}));
  EXPECT_EQ(parsed("10.0.0.1:443").Target(), "10.0.0.1:443");
  EXPECT_EQ(parsed("::1"), (HubAddress{"::1", kDefaultPort, kDefaultEnrolmentPort}));
  EXPECT_EQ(parsed("[::1]:443").Target(), "[::1]:443");
  EXPECT_EQ(parsed("[::1]").EnrolmentTarget(), "[::1]:7444");
  for (const char* text :
       {"", ":1", "hub:", "hub:0", "hub:65536", "hub:+1", "hub:1x", "a b", "[::1", "[hub]:1",
        "[::1]1", "https://hub", "hub/x", "-hub", "a..b", "hub,evil"}) {
    EXPECT_THAT(ParseHubAddress(text),
                StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("\n"))))
        << text;
  }
}

TEST(HubAddresses, SurviveTheirLines) {
  const std::vector<HubAddress> hubs = {{"hub", 1, 2}, {"::1", 3, 4}};
  EXPECT_EQ(FormatHubAddresses(hubs), "hub:1 2\n[::1]:3 4\n");
  ASSERT_OK_AND_ASSIGN(const std::vector<HubAddress> read,
                       ParseHubAddresses(FormatHubAddresses(hubs)));
  EXPECT_EQ(read, hubs);
  for (const char* lines : {"", "\n", "hub:1\n", "hub:1 \n", "hub:1 x\n", "hub:1 2 3\n"}) {
    EXPECT_THAT(ParseHubAddresses(lines), Not(IsOk())) << lines;
  }
}

}  // namespace
}  // namespace lockstep
