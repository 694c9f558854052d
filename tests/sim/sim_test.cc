#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include <absl/strings/numbers.h>
#include <gtest/gtest.h>

#include "tests/sim/simulation.h"

namespace lockstep::sim {
namespace {

constexpr uint64_t kSeeds = 1000;

// LOCKSTEP_SEED begins elsewhere; `sim_run` repeats one seed with a trace.
uint64_t FirstSeed() {
  uint64_t seed = 1;
  const char* given = std::getenv("LOCKSTEP_SEED");
  if (given != nullptr && !absl::SimpleAtoi(given, &seed))
    ADD_FAILURE() << "LOCKSTEP_SEED is no number";
  return seed;
}

// The last lines before the failure.
std::string Tail(const std::string& trace) {
  const size_t end = trace.find("FAILED");
  size_t begin = end == std::string::npos ? trace.size() : end;
  for (int line = 0; line < 40 && begin > 0; ++line) begin = trace.rfind('\n', begin - 1);
  return trace.substr(begin == std::string::npos ? 0 : begin, end + 200 - begin);
}

TEST(Simulation, I1ToI11HoldForAThousandSeeds) {
  const uint64_t first = FirstSeed();
  std::cout << "seeds from " << first << "\n";
  Outcome sum;
  for (uint64_t seed = first; seed < first + kSeeds; ++seed) {
    const Outcome outcome = Simulate(DrawSettings(seed));
    sum.writes += outcome.writes;
    sum.deletes += outcome.deletes;
    if (outcome.failure.empty()) continue;
    std::ostringstream trace;
    Simulate(DrawSettings(seed), &trace);
    FAIL() << "seed " << seed << " " << outcome.failure << "\nreplay it with: sim_run --from "
           << seed << " --trace" << Tail(trace.str());
  }
  // Worlds in which nothing happens prove nothing.
  EXPECT_GT(sum.writes, kSeeds * 10);
  EXPECT_GT(sum.deletes, kSeeds);
}

TEST(Simulation, TheSameSeedIsTheSameWorld) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    std::ostringstream once;
    std::ostringstream again;
    Simulate(DrawSettings(seed), &once);
    Simulate(DrawSettings(seed), &again);
    EXPECT_EQ(once.str(), again.str()) << "seed " << seed;
  }
}

// A control run: something is broken on purpose, and some world must show it in these words.
testing::AssertionResult Finds(Mutation mutation, const std::string& words) {
  std::string others;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Settings settings = DrawSettings(seed);
    settings.mutation = mutation;
    settings.hub_crash = 0.005;
    settings.agent_crash = 0.005;
    settings.power_loss = 0.5;
    const Outcome outcome = Simulate(settings);
    if (outcome.failure.find(words) != std::string::npos) return testing::AssertionSuccess();
    if (!outcome.failure.empty()) others = outcome.failure;
  }
  return testing::AssertionFailure() << "found at most: " << others;
}

TEST(Mutation, AHubWhoseWritesAreNotDurableIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kHubForgetsWrites, "the hub forgot"));
}

TEST(Mutation, AStatusAcknowledgedBeforeItIsWrittenIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kHubAcknowledgesFirst, "was acknowledged and is lost"));
}

TEST(Mutation, ADesiredSentBeforeItIsWrittenIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kHubSendsFirst, "was sent before it was durable"));
}

TEST(Mutation, AnAgentThatAcknowledgesBeforeItWritesIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kAgentAcknowledgesFirst, "is acknowledged before it is durable"));
}

TEST(Mutation, AnAgentWhoseWritesAreNotDurableIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kAgentForgetsWrites, "is acknowledged before it is durable"));
}

TEST(Mutation, ARecordThatComesBackWithoutAFieldIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kRecordLosesField, "it comes back with other than it wrote"));
}

TEST(Mutation, AHubThatWritesOnAFullDiskIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kFullDiskIgnored, "although its disk is nearly full"));
}

TEST(Mutation, AnApprovalThatNobodyGaveIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kApprovalForged, "without the approval"));
}

TEST(Mutation, AHandOverThatIsTornIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kHandOverTorn, "the same message hands to"));
}

TEST(Mutation, AnErrorThatRendersAsNothingIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kErrorRendersEmpty, "is sent a revision that does not render"));
}

TEST(Mutation, AWriteThatIsNotNeededIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kEqualLooksDifferent, "which is as it should be"));
}

TEST(Mutation, ADeleteThatNobodyAskedForIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kDeleteNotCompared, "without a tombstone"));
}

TEST(Mutation, ARestoreThatIsNotNoticedIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kRestoreUnnoticed, "a hub that is behind what this agent knows"));
}

TEST(Mutation, ATargetThatNobodyAcceptedIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kTargetUnchecked, "a target that nobody accepted is pushed to"));
}

TEST(Mutation, ARevokedKeyThatIsLetInIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kKeyUnchecked, "a revoked key is let in"));
}

TEST(Mutation, AConfigurationReadInPartIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kConfigErrorsHidden, "although nobody took it out of Git"));
}

TEST(Mutation, ABranchThatGoesBackIsFoundOut) {
  EXPECT_TRUE(Finds(Mutation::kFetchesOld, "goes back to"));
}

}  // namespace
}  // namespace lockstep::sim
