#include "agent/link/backoff.h"

#include <algorithm>
#include <vector>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

// The least and the greatest of many delays.
std::pair<absl::Duration, absl::Duration> Range(const LinkEnd& end) {
  SeededRng rng(7);
  absl::Duration least = absl::InfiniteDuration();
  absl::Duration most = absl::ZeroDuration();
  for (int i = 0; i < 10000; ++i) {
    const absl::Duration delay = ReconnectDelay(end, &rng);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  return {least, most};
}

void ExpectUniform(const LinkEnd& end, absl::Duration low, absl::Duration high) {
  const auto [least, most] = Range(end);
  const absl::Duration margin = (high - low) / 100;
  EXPECT_GE(least, low);
  EXPECT_LE(least, low + margin);
  EXPECT_LT(most, high);
  EXPECT_GE(most, high - margin);
}

TEST(ReconnectDelay, GrowsWithTheFailuresToAMinuteAndIsFullJitter) {
  ExpectUniform({.failures = 1}, absl::ZeroDuration(), absl::Seconds(1));
  ExpectUniform({.failures = 2}, absl::ZeroDuration(), absl::Seconds(2));
  ExpectUniform({.failures = 6}, absl::ZeroDuration(), absl::Seconds(32));
  ExpectUniform({.failures = 7}, absl::ZeroDuration(), absl::Seconds(60));
  ExpectUniform({.failures = 1000000}, absl::ZeroDuration(), absl::Seconds(60));
}

TEST(ReconnectDelay, AfterAHealthyStreamSpreadsOverWhatTheHubSaid) {
  ExpectUniform({.failures = 0, .spread = absl::Seconds(33)}, absl::ZeroDuration(),
                absl::Seconds(33));
  EXPECT_EQ(Range({.failures = 0}).second, absl::ZeroDuration());
}

TEST(ReconnectDelay, F82KeepsTheTimeThatTheHubNamed) {
  SeededRng rng(7);
  const LinkEnd end{.spread = absl::Seconds(33),
                    .goodbye = Goodbye{Goodbye::Reason::kShutdown, absl::Milliseconds(1234), ""}};
  EXPECT_EQ(ReconnectDelay(end, &rng), absl::Milliseconds(1234));
}

TEST(ReconnectDelay, DoesNotKnockWhereNobodyOpens) {
  for (const auto reason :
       {Goodbye::Reason::kRemoved, Goodbye::Reason::kRevoked, Goodbye::Reason::kVersion}) {
    ExpectUniform({.goodbye = Goodbye{reason, absl::ZeroDuration(), ""}}, absl::Minutes(5),
                  absl::Minutes(10));
  }
  ExpectUniform({.goodbye = Goodbye{Goodbye::Reason::kReplaced, absl::ZeroDuration(), ""}},
                absl::Seconds(30), absl::Seconds(60));
}

TEST(MayBeExpired, F23PastItsRenewalEveryThirdFailureTriesANewCertificate) {
  const absl::Time renew_at = absl::UnixEpoch();
  for (int failures = 0; failures < 10; ++failures) {
    EXPECT_EQ(MayBeExpired(failures, renew_at, renew_at), failures > 0 && failures % 3 == 0);
    EXPECT_FALSE(MayBeExpired(failures, renew_at - absl::Seconds(1), renew_at));
  }
}

TEST(RefusalOf, ARefusalIsNoAbsence) {
  const auto goodbye = [](Goodbye::Reason reason) {
    return RefusalOf({.failures = 1,
                      .goodbye = Goodbye{reason, absl::ZeroDuration(), "why"},
                      .status = absl::OkStatus()});
  };
  for (const auto reason : {Goodbye::Reason::kRemoved, Goodbye::Reason::kRevoked,
                            Goodbye::Reason::kVersion, Goodbye::Reason::kReplaced}) {
    EXPECT_THAT(goodbye(reason), StatusIs(absl::StatusCode::kPermissionDenied, "why"));
  }
  EXPECT_OK(goodbye(Goodbye::Reason::kShutdown));
  EXPECT_OK(goodbye(Goodbye::Reason::kBusy));
  const absl::Status denied = absl::PermissionDeniedError("for people");
  EXPECT_EQ(RefusalOf({.failures = 1, .goodbye = std::nullopt, .status = denied}), denied);
  EXPECT_OK(RefusalOf(
      {.failures = 1, .goodbye = std::nullopt, .status = absl::UnavailableError("not there")}));
  EXPECT_OK(RefusalOf({.failures = 0, .goodbye = std::nullopt, .status = denied}));
}

TEST(AsksWhy, SoonAndThenSeldom) {
  std::vector<int> asked;
  for (int failures = 0; failures <= 36; ++failures) {
    if (AsksWhy(failures)) asked.push_back(failures);
  }
  EXPECT_THAT(asked, testing::ElementsAre(2, 12, 24, 36));
}

}  // namespace
}  // namespace lockstep
