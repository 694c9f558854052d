// Long runs and replays: sim_run [--seeds N] [--from S] [--trace]. See docs/simulation.md.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>

#include <absl/strings/numbers.h>
#include <absl/strings/string_view.h>

#include "tests/sim/simulation.h"

int main(int argc, char** argv) {
  using lockstep::sim::Outcome;
  uint64_t seeds = 1;
  uint64_t from = 1;
  bool trace = false;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (word == "--trace") {
      trace = true;
      continue;
    }
    uint64_t* number = word == "--seeds" ? &seeds : word == "--from" ? &from : nullptr;
    if (number == nullptr || ++i == argc || !absl::SimpleAtoi(argv[i], number)) {
      std::cerr << "usage: sim_run [--seeds N] [--from S] [--trace]\n";
      return 2;
    }
  }
  uint64_t failed = 0;
  Outcome sum;
  for (uint64_t seed = from; seed < from + seeds; ++seed) {
    const Outcome outcome =
        lockstep::sim::Simulate(lockstep::sim::DrawSettings(seed), trace ? &std::cout : nullptr);
    sum.steps += outcome.steps;
    sum.messages += outcome.messages;
    sum.writes += outcome.writes;
    sum.deletes += outcome.deletes;
    sum.settled_after = std::max(sum.settled_after, outcome.settled_after);
    if (outcome.failure.empty()) continue;
    ++failed;
    std::cout << "seed " << seed << " " << outcome.failure << std::endl;
  }
  std::cout << seeds << " seeds from " << from << ": " << failed << " failed, " << sum.steps
            << " steps, " << sum.messages << " messages, " << sum.writes << " writes, "
            << sum.deletes << " deletes; settled at most " << sum.settled_after
            << " after the faults\n";
  return failed == 0 ? 0 : 1;
}
