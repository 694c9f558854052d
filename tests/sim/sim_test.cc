#include <cstdlib>
#include <set>
#include <string>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "tests/sim/simulation.h"

namespace lockstep::sim {
namespace {

// LOCKSTEP_SEED begins elsewhere; `sim_run` repeats one seed with a trace.
uint64_t FirstSeed() {
  uint64_t seed = 1;
  const char* given = std::getenv("LOCKSTEP_SEED");
  if (given != nullptr && !absl::SimpleAtoi(given, &seed))
    ADD_FAILURE() << "LOCKSTEP_SEED is no number";
  return seed;
}

// Seeds that are known to fail, so that a new failure is seen beside them; one that passes must
// leave this list. 274: after a restored hub one application is wanted on eu-1 and never sent
// there.
const std::set<uint64_t>& KnownFailures() {
  static const auto* seeds = new std::set<uint64_t>{274};
  return *seeds;
}

TEST(Simulation, I1ToI11HoldForAThousandSeeds) {
  const uint64_t first = FirstSeed();
  uint64_t steps = 0;
  uint64_t deletes = 0;
  for (uint64_t seed = first; seed < first + 1000; ++seed) {
    const Outcome outcome = Simulate(DrawSettings(seed));
    if (KnownFailures().contains(seed)) {
      EXPECT_NE(outcome.failure, "") << "seed " << seed << " passes: take it off the list";
    } else {
      EXPECT_EQ(outcome.failure, "") << "seed " << seed;
    }
    steps += outcome.steps;
    deletes += outcome.deletes;
  }
  // A world in which nothing happens proves nothing.
  EXPECT_GT(steps, 100'000u);
  EXPECT_GT(deletes, 1'000u);
}

TEST(Simulation, TheSameSeedGivesTheSameWorld) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Outcome first = Simulate(DrawSettings(seed));
    const Outcome second = Simulate(DrawSettings(seed));
    EXPECT_EQ(first.steps, second.steps) << "seed " << seed;
    EXPECT_EQ(first.messages, second.messages) << "seed " << seed;
    EXPECT_EQ(first.settled_after, second.settled_after) << "seed " << seed;
  }
}

struct Broken {
  const char* name;
  Mutation mutation;
};

class SimulationMutation : public testing::TestWithParam<Broken> {};

// What is broken on purpose has to be noticed by some seed, or the oracle sees nothing.
TEST_P(SimulationMutation, IsNoticed) {
  constexpr uint64_t kSeeds = 400;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Settings settings = DrawSettings(seed);
    settings.mutation = GetParam().mutation;
    if (!Simulate(settings).failure.empty()) return;
  }
  ADD_FAILURE() << kSeeds << " seeds did not notice it";
}

INSTANTIATE_TEST_SUITE_P(
    All, SimulationMutation,
    testing::Values(Broken{"HubForgetsWrites", Mutation::kHubForgetsWrites},
                    Broken{"HubAcknowledgesFirst", Mutation::kHubAcknowledgesFirst},
                    Broken{"HubSendsFirst", Mutation::kHubSendsFirst},
                    Broken{"AgentAcknowledgesFirst", Mutation::kAgentAcknowledgesFirst},
                    Broken{"AgentForgetsWrites", Mutation::kAgentForgetsWrites},
                    Broken{"ApprovalForged", Mutation::kApprovalForged},
                    Broken{"HandOverTorn", Mutation::kHandOverTorn},
                    Broken{"ErrorRendersEmpty", Mutation::kErrorRendersEmpty},
                    Broken{"EqualLooksDifferent", Mutation::kEqualLooksDifferent},
                    Broken{"DeleteNotCompared", Mutation::kDeleteNotCompared}),
    [](const auto& broken) { return std::string(broken.param.name); });

}  // namespace
}  // namespace lockstep::sim
