// The hub is killed under a thousand agents and started again: until all are in step. Agents as in
// fanout.cc; nothing has changed meanwhile, so nothing may be sent.
//
//   bench_restart DIRECTORY [AGENTS]     on the disk that is meant

#include <cstdio>
#include <cstdlib>
#include <string>

#include <absl/strings/str_cat.h>

#include "tests/bench/fleet.h"
#include "tests/bench/harness.h"
#include "tests/bench/link_fleet.h"

namespace lockstep {
namespace {

constexpr int kObjects = 10;
constexpr int kRounds = 5;

int Main(const std::string& directory, int agents) {
  PrepareForThousands();
  BenchRepository repository(directory + "/repository");
  for (int i = 0; i < kObjects; ++i) {
    const std::string name = absl::StrCat("object-", i);
    repository.Write(absl::StrCat("app/", name, ".yaml"),
                     ConfigMapYaml(name, static_cast<uint64_t>(i)));
  }
  repository.Commit();
  HubProcess hub(directory + "/hub", repository.Url());
  hub.Start();
  LinkFleet fleet(directory + "/agents", &hub, agents);
  hub.Apply(RepositoryYaml(repository.Url()) + ApplicationYaml("app", "app"));
  hub.AwaitReady("app", agents);

  Samples served;
  Samples welcomed;
  Samples in_step;
  int blobs = 0;
  int messages = 0;
  for (int i = 0; i < kRounds; ++i) {
    fleet.Reset();
    const absl::Duration begun = Now();
    hub.Kill();
    hub.Start();
    served.Add(Now() - begun);
    WaitUntil("all agents to come back", absl::Minutes(2),
              [&] { return fleet.all().welcomes >= agents; });
    welcomed.Add(Now() - begun);
    hub.AwaitReady("app", agents);
    in_step.Add(Now() - begun);
    blobs += fleet.all().blobs;
    messages += fleet.all().desired;
  }
  std::printf("kill -9 under %d agents, %d times, ms from the kill\n\n", agents, kRounds);
  std::printf("%-44s %s\n", "the hub answers again", served.Row().c_str());
  std::printf("%-44s %s\n", "every agent is back", welcomed.Row().c_str());
  std::printf("%-44s %s\n", "all in step", in_step.Row().c_str());
  std::printf("\nmessages with a target: %d, blobs in them: %d, blob bytes fetched: %.0f\n",
              messages, blobs, hub.Metric("lockstep_hub_blob_served_bytes_total"));
  Bars bars("restart");
  bars.AtMost("in-step", absl::ToDoubleSeconds(in_step.Percentile(1)), "s", 10);
  bars.AtMost("sent", blobs, "blobs", 0);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2 || argc == 3) return lockstep::Main(argv[1], argc == 3 ? std::atoi(argv[2]) : 1000);
  std::fputs("usage: bench_restart DIRECTORY [AGENTS]\n", stderr);
  return 2;
}
