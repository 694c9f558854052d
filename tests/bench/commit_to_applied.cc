// From `git commit` returning to the last file renamed: one hub, ten agents, 100 objects each, all
// of them processes as people run them. `sync` is asked for over one open FleetService connection,
// as a webhook would, not by starting the command line.
//
//   bench_commit_to_applied DIRECTORY     on the disk that is meant

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <string>
#include <unistd.h>
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
      const std::string& folder = folders_.emplace_back(absl::StrCat(directory, "/floor-", i));
      Must(MakeDirectories(folder));
      for (const std::string& name : Must(ListDirectory(fleet.agents[i]->Folder()))) {
        const std::string bytes =
            Must(ReadFile(absl::StrCat(fleet.agents[i]->Folder(), "/", name)));
        files_.push_back({folder, name, bytes});
      }
    }
  }

  absl::Duration Write() {
    std::atomic<size_t> next{0};
    std::atomic<size_t> next_folder{0};
    const absl::Duration begun = Now();
    RunAll([&] {
      for (size_t i = next++; i < files_.size(); i = next++) WriteOne(files_[i]);
    });
    RunAll([&] {
      for (size_t i = next_folder++; i < folders_.size(); i = next_folder++) {
        Must(SyncDirectory(folders_[i]));
      }
    });
    return Now() - begun;
  }
  size_t size() const { return files_.size(); }

 private:
  struct File {
    std::string folder;
    std::string name;
    std::string bytes;
  };

  template <typename Work>
  static void RunAll(const Work& work) {
    std::vector<Thread> threads;
    for (int i = 0; i < kAgents * kWriters; ++i) threads.emplace_back("floor", work);
  }

  static void WriteOne(const File& file) {
    const std::string temporary = absl::StrCat(file.folder, "/.", file.name);
    const OwnedFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const auto size = static_cast<ssize_t>(file.bytes.size());
    MustBe(write(fd.get(), file.bytes.data(), file.bytes.size()) == size && fsync(fd.get()) == 0 &&
               rename(temporary.c_str(), absl::StrCat(file.folder, "/", file.name).c_str()) == 0,
           "writing the floor's files");
  }

  std::vector<std::string> folders_;
  std::vector<File> files_;
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
  bars.AtMost("all", all.Median() / bare.Median(), "x floor", 3);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2) return lockstep::Main(argv[1]);
  std::fputs("usage: bench_commit_to_applied DIRECTORY\n", stderr);
  return 2;
}
