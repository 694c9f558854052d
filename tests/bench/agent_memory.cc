// What an agent with 200 objects has in memory, beside the least that a client over mTLS has with
// the same gRPC in it.
//
//   bench_agent_memory DIRECTORY

#include <cstdio>
#include <fcntl.h>
#include <string>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "hub/identity/context.h"
#include "tests/bench/fleet.h"
#include "tests/bench/folder_watch.h"
#include "tests/bench/harness.h"

namespace lockstep {
namespace {

constexpr int kObjects = 200;
constexpr int kChanges = 20;
constexpr double kMegabyte = 1e6;

// Started with the admin's credentials; its stream is open when this returns.
BackgroundProgram StartBareClient(const std::string& directory, const HubProcess& hub) {
  const Context context = Must(Must(LoadContextFile(hub.context_file())).Find(""));
  const auto keep = [&](const char* name, const std::string& pem) {
    std::string path = absl::StrCat(directory, "/", name);
    Must(WriteFileAtomic(path, pem, Durability::kNone, 0600));
    return path;
  };
  const std::string output = directory + "/bare-client.out";
  const OwnedFd file(open(output.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  BackgroundProgram client({.arguments = {ProgramFolder() + "/bench_bare_client", context.hubs[0],
                                          keep("key.pem", context.material.key_pem),
                                          keep("certificate.pem", context.material.certificate_pem),
                                          keep("roots.pem", context.material.roots_pem)},
                            .descriptors = {{1, file.get()}, {2, file.get()}}});
  WaitUntil("the bare client's stream", absl::Seconds(20),
            [&] { return Must(ReadFile(output)) == "open\n"; });
  return client;
}

int Main(const std::string& directory) {
  BenchRepository repository(directory + "/repository");
  uint64_t number = 0;
  for (int i = 0; i < kObjects; ++i) {
    repository.Write(absl::StrCat("app/object-", i, ".yaml"),
                     ConfigMapYaml(absl::StrCat("object-", i), ++number));
  }
  repository.Commit();
  HubProcess hub(directory + "/hub", repository.Url());
  hub.Start();
  const AgentProcess agent(directory + "/agent", &hub, "cluster-0");
  hub.Apply(RepositoryYaml(repository.Url()) + ApplicationYaml("app", "app"));
  hub.AwaitReady("app", 1);
  const ProcessMemory first = MemoryOf(agent.pid());
  // What an agent has after some life, not only after its start.
  FolderWatch watch;
  watch.Add(agent.Folder());
  for (int change = 0; change < kChanges; ++change) {
    for (int i = 0; i < kObjects; i += 4) {
      repository.Write(absl::StrCat("app/object-", i, ".yaml"),
                       ConfigMapYaml(absl::StrCat("object-", i), ++number));
    }
    watch.Reset();
    repository.Commit();
    hub.Sync();
    watch.Await(kObjects / 4, absl::Seconds(30));
    hub.AwaitReady("app", 1);
  }
  const ProcessMemory ours = MemoryOf(agent.pid());
  const BackgroundProgram client = StartBareClient(directory, hub);
  const ProcessMemory bare = MemoryOf(client.pid());

  std::printf("%d objects of 1 kB, from smaps_rollup, MB\n\n", kObjects);
  std::printf("%-44s %10s %10s\n", "", "RSS", "anonymous");
  const auto row = [](const std::string& name, const ProcessMemory& memory) {
    std::printf("%-44s %10.1f %10.1f\n", name.c_str(), static_cast<double>(memory.rss) / kMegabyte,
                static_cast<double>(memory.anonymous) / kMegabyte);
  };
  row("lockstep-agent, all applied", first);
  row(absl::StrCat("lockstep-agent, after ", kChanges, " commits of ", kObjects / 4), ours);
  row("bare client, the same gRPC", bare);
  std::printf("\nthreads: agent %zu, bare client %zu\n", ThreadsOf(agent.pid()).size(),
              ThreadsOf(client.pid()).size());
  Bars bars("agent-memory");
  bars.AtMost("anonymous", static_cast<double>(ours.anonymous) / kMegabyte, "MB", 8);
  bars.AtMost("RSS", static_cast<double>(ours.rss) / kMegabyte, "MB", 30);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2) return lockstep::Main(argv[1]);
  std::fputs("usage: bench_agent_memory DIRECTORY\n", stderr);
  return 2;
}
