// One 1 kB change to a thousand agents: from the fetched commit entering the hub to every
// `received` being durable there. The hub is a process as people run it; the agents are real links,
// cores and journals in this process whose target only counts. The floor is a bare gRPC echo of the
// same bytes over as many streams, each client syncing the same bytes before it answers.
//
//   bench_fanout DIRECTORY [AGENTS]     on the disk that is meant

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <absl/strings/str_cat.h>

#include "common/base/clock.h"
#include "tests/bench/echo.h"
#include "tests/bench/fleet.h"
#include "tests/bench/harness.h"
#include "tests/bench/link_fleet.h"

namespace lockstep {
namespace {

constexpr int kObjects = 10;
constexpr int kRounds = 15;
constexpr absl::Duration kLimit = absl::Minutes(2);

// When the hub's core took the newest commit, on the wall clock.
absl::Time CommitEntered(HubProcess* hub) {
  v1::EventsRequest request;
  request.set_last(20);
  request.mutable_about()->set_kind("GitRepository");
  request.mutable_about()->set_namespace_("default");
  request.mutable_about()->set_name("fleet");
  absl::Time entered = absl::InfinitePast();
  Must(hub->client().Stream<v1::EventsRequest, v1::EventsResponse>(
      &FleetClient::Stub::Events, request, [&](const v1::EventsResponse& response) {
        for (const v1::FleetEvent& event : response.events()) {
          if (event.reason() != "NewRevision") continue;
          entered = absl::FromUnixSeconds(event.time().seconds()) +
                    absl::Nanoseconds(event.time().nanos());
        }
        return true;
      }));
  return entered;
}

class FanOut {
 public:
  FanOut(const std::string& directory, int agents)
      : repository_(directory + "/repository"), hub_(directory + "/hub", repository_.Url()) {
    for (int i = 0; i < kObjects; ++i) Change("all", i);
    Change("one", 0);
    repository_.Commit();
    hub_.Start();
    empty_ = MemoryOf(hub_.pid());
    fleet_.emplace(directory + "/agents", &hub_, agents);
    hub_.Apply(RepositoryYaml(repository_.Url()) + ApplicationYaml("all", "all") +
               ApplicationYaml("one", "one", LinkFleet::Cluster(0)));
    hub_.AwaitReady("one", 1);
    hub_.AwaitReady("all", agents);
  }

  struct Times {
    absl::Duration first;     // An agent has its target.
    absl::Duration last;      // … and the last one has.
    absl::Duration acked;     // The last agent has sent its ack.
    absl::Duration received;  // … and the hub has made it durable.
  };
  Times ChangeAll() {
    fleet_->Reset();
    const double acks = Acks();
    Change("all", 0);
    repository_.Commit();
    hub_.Sync();
    WaitUntil(
        "all acks to be sent", kLimit, [&] { return fleet_->all().acks == fleet_->size(); },
        absl::Milliseconds(1));
    const absl::Time sent = SystemClock()->Now();
    WaitUntil(
        "all acks to come", kLimit, [&] { return Acks() - acks >= fleet_->size(); },
        absl::Milliseconds(2));
    // Asked after the acks, answered after the commit that holds them.
    Must(hub_.client()
             .Call<v1::GetHubRequest, v1::GetHubResponse>(&FleetClient::Stub::GetHub,
                                                          v1::GetHubRequest())
             .status());
    const absl::Time received = SystemClock()->Now();
    const absl::Time entered = CommitEntered(&hub_);
    hub_.AwaitReady("all", fleet_->size());
    const LinkCounts& all = fleet_->all();
    return {absl::FromUnixNanos(all.first_desired_ns) - entered,
            absl::FromUnixNanos(all.last_desired_ns) - entered, sent - entered, received - entered};
  }

  // Messages with a target that agents not concerned got.
  int ChangeOne() {
    fleet_->Reset();
    Change("one", 0);
    repository_.Commit();
    hub_.Sync();
    WaitUntil("the ack", kLimit, [&] { return fleet_->of(0).acks == 1; });
    hub_.AwaitReady("one", 1);
    return fleet_->all().desired - fleet_->of(0).desired;
  }

  LinkFleet& fleet() { return *fleet_; }
  ProcessMemory HubPerAgent() const {
    const ProcessMemory full = MemoryOf(hub_.pid());
    return {(full.rss - empty_.rss) / fleet_->size(),
            (full.anonymous - empty_.anonymous) / fleet_->size()};
  }
  size_t HubThreads() const { return ThreadsOf(hub_.pid()).size(); }

 private:
  void Change(absl::string_view folder, int number) {
    const std::string name = absl::StrCat(folder, "-", number);
    repository_.Write(absl::StrCat(folder, "/", name, ".yaml"), ConfigMapYaml(name, ++change_));
  }
  double Acks() const {
    return hub_.Metric("lockstep_hub_messages_received_total{message=\"ack\"}");
  }

  uint64_t change_ = 0;
  BenchRepository repository_;
  HubProcess hub_;
  ProcessMemory empty_;
  std::optional<LinkFleet> fleet_;
};

int Main(const std::string& directory, int agents) {
  PrepareForThousands();
  FanOut ours(directory, agents);
  EchoFleet echo(
      {.directory = directory + "/echo", .clients = agents, .threads = LinkFleet::kLoopThreads});
  ours.ChangeAll();  // The first one warms up.
  Samples first_sent;
  Samples last_sent;
  Samples acked;
  Samples received;
  Samples bare;
  EchoFleet::Round round;
  for (int i = 0; i < kRounds; ++i) {
    const int64_t journal = ours.fleet().JournalBytes();
    const FanOut::Times times = ours.ChangeAll();
    first_sent.Add(times.first);
    last_sent.Add(times.last);
    acked.Add(times.acked);
    received.Add(times.received);
    const LinkCounts& first = ours.fleet().of(0);
    round.message_bytes = first.desired_bytes;
    round.answer_bytes = first.ack_bytes;
    // What the agent wrote after its ack is in it too; the message is the most of it.
    round.append_bytes = std::max(ours.fleet().JournalBytes() - journal, round.message_bytes);
    bare.Add(echo.Run(round));
  }
  const int unconcerned = ours.ChangeOne();
  const ProcessMemory per_agent = ours.HubPerAgent();

  std::printf("%d agents over mTLS, one object of 1 kB of %d changed, ms\n\n", agents, kObjects);
  std::printf("%-44s %s\n", "the first agent has its target", first_sent.Row().c_str());
  std::printf("%-44s %s\n", "the last agent has its target", last_sent.Row().c_str());
  std::printf("%-44s %s\n", "the last agent has sent its ack", acked.Row().c_str());
  std::printf("%-44s %s\n", "every `received` is durable at the hub", received.Row().c_str());
  std::printf("%-44s %s\n", "bare echo with the same writes", bare.Row().c_str());
  std::printf("\nthreads that write: %d on both sides; files written before an answer: 1\n",
              LinkFleet::kLoopThreads);
  std::printf("bytes per agent: %d to it, %d from it, %d on its disk\n",
              static_cast<int>(round.message_bytes), static_cast<int>(round.answer_bytes),
              static_cast<int>(round.append_bytes));
  std::printf("messages to the %d agents that a commit does not concern: %d\n", agents - 1,
              unconcerned);
  std::printf("hub: %.0f kB RSS per agent, %.0f kB of it anonymous, %zu threads\n",
              static_cast<double>(per_agent.rss) / 1e3,
              static_cast<double>(per_agent.anonymous) / 1e3, ours.HubThreads());
  Bars bars("fanout");
  bars.AtMost("", absl::FDivDuration(received.Median(), bare.Median()), "x floor", 2);
  bars.AtMost("unconcerned", unconcerned, "messages", 0);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == lockstep::kServerFlag) {
    return lockstep::RunEchoServer(argv[2]);
  }
  if (argc == 2 || argc == 3) return lockstep::Main(argv[1], argc == 3 ? std::atoi(argv[2]) : 1000);
  std::fputs("usage: bench_fanout DIRECTORY [AGENTS]\n", stderr);
  return 2;
}
