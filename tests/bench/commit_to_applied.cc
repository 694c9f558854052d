// From `git commit` returning to the last file renamed: one hub, ten agents, 100 objects each, all
// of them processes as people run them. `sync` is asked for over one open FleetService connection,
// as a webhook would, not by starting the command line.
//
//   bench_commit_to_applied DIRECTORY     on the disk that is meant

#include <atomic>
#include <cstdio>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/thread.h"
#include "tests/bench/fleet.h"
#include "tests/bench/folder_watch.h"
#include "tests/bench/harness.h"

namespace lockstep {
namespace {

constexpr int kAgents = 10;
constexpr int kOwnObjects = 99;  // And one that all share.
constexpr int kWriters = 4;      // DirectoryTarget::Options::writers: threads of one agent's batch.
constexpr int kOneRounds = 100;
constexpr int kAllRounds = 15;
constexpr absl::Duration kLimit = absl::Minutes(1);

std::string Cluster(int number) { return absl::StrCat("cluster-", number); }
std::string Own(int number) { return absl::StrCat("own-", number); }

struct Fleet {
  explicit Fleet(const std::string& directory)
      : repository(directory + "/repository"), hub(directory + "/hub", repository.Url()) {
    ChangeAll();
    repository.Commit();
    hub.Start();
    for (int i = 0; i < kAgents; ++i) {
      agents.push_back(
          std::make_unique<AgentProcess>(absl::StrCat(directory, "/agent-", i), &hub, Cluster(i)));
    }
    hub.Apply(RepositoryYaml(repository.Url()) + ApplicationYaml("shared", "shared") +
              ApplicationYaml("own", "clusters/${cluster.name}"));
    hub.AwaitReady("own", kAgents);
    hub.AwaitReady("shared", kAgents);
    for (const auto& agent : agents) watch.Add(agent->Folder());
  }

  void ChangeShared() { repository.Write("shared/shared.yaml", ConfigMapYaml("shared", ++change)); }
  void ChangeAll() {
    ChangeShared();
    for (int i = 0; i < kAgents; ++i) {
      for (int j = 0; j < kOwnObjects; ++j) {
        repository.Write(absl::StrCat("clusters/", Cluster(i), "/", Own(j), ".yaml"),
                         ConfigMapYaml(Own(j), ++change));
      }
    }
  }

  // Commits what was changed and waits for `files` files.
  struct Times {
    absl::Duration synced;   // The hub has fetched.
    absl::Duration renamed;  // The last file.
  };
  Times CommitAndAwait(size_t files) {
    watch.Reset();
    repository.Commit();
    const absl::Duration begun = Now();
    hub.Sync();
    const absl::Duration synced = Now() - begun;
    return {synced, watch.Await(files, kLimit) - begun};
  }

  uint64_t change = 0;
  BenchRepository repository;
  HubProcess hub;
  std::vector<std::unique_ptr<AgentProcess>> agents;
  FolderWatch watch;
};

// The same files with the same bytes, written beside, fsynced and renamed, their folders fsynced:
// nothing but what has to be done, by as many threads.
class Floor {
 public:
  Floor(const std::string& directory, const Fleet& fleet) {
    for (int i = 0; i < kAgents; ++i) {
      Folder& folder = folders_.emplace_back();
      folder.path = absl::StrCat(directory, "/floor-", i);
      Must(MakeDirectories(folder.path));
      for (const std::string& name : Must(ListDirectory(fleet.agents[i]->Folder()))) {
        folder.files.emplace_back(
            name, Must(ReadFile(absl::StrCat(fleet.agents[i]->Folder(), "/", name))));
      }
    }
  }

  absl::Duration Write() {
    const absl::Duration begun = Now();
    {
      // As the agents do: each folder has threads of its own, which end with its files.
      std::vector<Thread> threads;
      for (Folder& folder : folders_) {
        folder.next = 0;
        for (int i = 0; i < kWriters; ++i) threads.emplace_back("floor", [&] { folder.Write(); });
      }
    }
    {
      std::vector<Thread> threads;
      for (const Folder& folder : folders_) {
        threads.emplace_back("floor", [&] { Must(SyncDirectory(folder.path)); });
      }
    }
    return Now() - begun;
  }
  size_t size() const {
    size_t files = 0;
    for (const Folder& folder : folders_) files += folder.files.size();
    return files;
  }

 private:
  struct Folder {
    void Write() {
      for (size_t i = next++; i < files.size(); i = next++) {
        WriteOne(path, files[i].first, files[i].second);
      }
    }

    std::string path;
    std::vector<std::pair<std::string, std::string>> files;  // Name, bytes.
    std::atomic<size_t> next{0};
  };

  static void WriteOne(const std::string& folder, const std::string& name,
                       const std::string& bytes) {
    const std::string temporary = absl::StrCat(folder, "/.", name);
    const OwnedFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const auto size = static_cast<ssize_t>(bytes.size());
    MustBe(write(fd.get(), bytes.data(), bytes.size()) == size && fsync(fd.get()) == 0 &&
               rename(temporary.c_str(), absl::StrCat(folder, "/", name).c_str()) == 0,
           "writing the floor's files");
  }

  std::deque<Folder> folders_;
};

int Main(const std::string& directory) {
  Fleet fleet(directory);
  Samples one;
  Samples one_synced;
  for (int i = 0; i < kOneRounds; ++i) {
    fleet.ChangeShared();
    const Fleet::Times times = fleet.CommitAndAwait(kAgents);
    one.Add(times.renamed);
    one_synced.Add(times.synced);
  }
  Floor floor(directory, fleet);
  MustBe(floor.size() == kAgents * (kOwnObjects + 1), "an agent holds more or less than 100 files");
  floor.Write();  // The first one makes the files.
  Samples all;
  Samples all_synced;
  Samples bare;
  for (int i = 0; i < kAllRounds; ++i) {
    fleet.ChangeAll();
    const Fleet::Times times = fleet.CommitAndAwait(floor.size());
    all.Add(times.renamed);
    all_synced.Add(times.synced);
    // What the agents still have to write (their own state, folders) is not the floor's.
    fleet.hub.AwaitReady("own", kAgents);
    fleet.hub.AwaitReady("shared", kAgents);
    bare.Add(floor.Write());
  }
  std::printf("%d agents, %d objects each, file:// repository, ms from `git commit` returning\n\n",
              kAgents, kOwnObjects + 1);
  std::printf("one object that all share\n");
  std::printf("  %-38s %s\n", "the hub has fetched (sync answered)", one_synced.Row().c_str());
  std::printf("  %-38s %s\n", "the last file is renamed", one.Row().c_str());
  std::printf("all %zu objects, %d writing threads (%d in each agent)\n", floor.size(),
              kAgents * kWriters, kWriters);
  std::printf("  %-38s %s\n", "the hub has fetched (sync answered)", all_synced.Row().c_str());
  std::printf("  %-38s %s\n", "the last file is renamed", all.Row().c_str());
  std::printf("  %-38s %s\n", "write, fsync, rename, fsync folders", bare.Row().c_str());
  Bars bars("commit-to-applied");
  bars.AtMost("one-p50", Milliseconds(one.Median()), "ms", 150);
  bars.AtMost("one-p99", Milliseconds(one.Percentile(0.99)), "ms", 500);
  bars.AtMost("all", absl::FDivDuration(all.Median(), bare.Median()), "x floor", 3);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2) return lockstep::Main(argv[1]);
  std::fputs("usage: bench_commit_to_applied DIRECTORY\n", stderr);
  return 2;
}
