// How long a file stays changed that somebody else wrote to, one after another, against the least
// that can be done about it: a program that waits in inotify, writes the file again beside, fsyncs
// and renames it.
//
//   bench_drift DIRECTORY     on the disk that is meant

#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "tests/bench/fleet.h"
#include "tests/bench/folder_watch.h"
#include "tests/bench/harness.h"

namespace lockstep {
namespace {

constexpr int kObjects = 200;
constexpr absl::Duration kLimit = absl::Seconds(20);

std::string Name(int number) { return absl::StrCat("object-", number); }

// Puts files of one folder back, as barely as it can be done.
class BareKeeper {
 public:
  BareKeeper(std::string folder, std::string content)
      : folder_(std::move(folder)),
        content_(std::move(content)),
        inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
        wake_(eventfd(0, EFD_CLOEXEC)) {
    MustBe(inotify_add_watch(inotify_.get(), folder_.c_str(), IN_CLOSE_WRITE) >= 0,
           "watching the floor's folder");
    thread_ = Thread("keeper", [this] { Run(); });
  }
  ~BareKeeper() {
    const uint64_t one = 1;
    MustBe(write(wake_.get(), &one, sizeof(one)) == sizeof(one), "waking the keeper");
    thread_.Join();
  }

 private:
  void Run() {
    alignas(inotify_event) char buffer[16 << 10];
    for (;;) {
      pollfd fds[] = {{inotify_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[1].revents != 0) return;
      const ssize_t got = read(inotify_.get(), buffer, sizeof(buffer));
      for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        if (event->name[0] != '.') Restore(event->name);
      }
    }
  }

  void Restore(const std::string& name) {
    const std::string temporary = absl::StrCat(folder_, "/.", name);
    OwnedFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    const auto size = static_cast<ssize_t>(content_.size());
    const bool written =
        write(fd.get(), content_.data(), content_.size()) == size && fsync(fd.get()) == 0;
    fd.Reset();  // Before it has the name that is watched: closing is told, too.
    MustBe(written && rename(temporary.c_str(), absl::StrCat(folder_, "/", name).c_str()) == 0,
           "putting a file back");
  }

  const std::string folder_;
  const std::string content_;
  const OwnedFd inotify_;
  const OwnedFd wake_;
  Thread thread_;
};

// Writes to `path` as somebody does who knows nothing of us, and waits until it is as it was.
absl::Duration Disturb(const std::string& path, FolderWatch* watch) {
  const std::string before = Must(ReadFile(path));
  watch->Reset();
  const absl::Duration begun = Now();  // Before: emptying the file is the first change already.
  {
    const OwnedFd fd(open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
    MustBe(write(fd.get(), "changed: true\n", 14) == 14, absl::StrCat("writing ", path));
  }
  const absl::Duration took = watch->Await(1, kLimit) - begun;
  MustBe(Must(ReadFile(path)) == before, absl::StrCat(path, " is not as it was"));
  return took;
}

int Main(const std::string& directory) {
  BenchRepository repository(directory + "/repository");
  for (int i = 0; i < kObjects; ++i) {
    repository.Write(absl::StrCat("app/", Name(i), ".yaml"),
                     ConfigMapYaml(Name(i), static_cast<uint64_t>(i)));
  }
  repository.Commit();
  HubProcess hub(directory + "/hub", repository.Url());
  hub.Start();
  const AgentProcess agent(directory + "/agent", &hub, "cluster-0");
  hub.Apply(RepositoryYaml(repository.Url()) + ApplicationYaml("app", "app"));
  hub.AwaitReady("app", 1);

  const std::string floor = directory + "/floor";
  Must(MakeDirectories(floor));
  const std::string content = Must(ReadFile(absl::StrCat(agent.Folder(), "/", Name(0), ".yaml")));
  for (int i = 0; i < kObjects; ++i) {
    Must(WriteFileAtomic(absl::StrCat(floor, "/", Name(i), ".yaml"), content, Durability::kSynced));
  }
  const BareKeeper keeper(floor, content);
  FolderWatch ours_watch;
  ours_watch.Add(agent.Folder());
  FolderWatch floor_watch;
  floor_watch.Add(floor);

  Samples ours;
  Samples bare;
  for (int i = 0; i < kObjects; ++i) {
    const std::string file = absl::StrCat("/", Name(i), ".yaml");
    ours.Add(Disturb(agent.Folder() + file, &ours_watch));
    bare.Add(Disturb(floor + file, &floor_watch));
  }
  std::printf("foreign write to restored, %d objects one after another, ms\n\n", kObjects);
  std::printf("%-34s %s\n", "lockstep-agent", ours.Row().c_str());
  std::printf("%-34s %s\n", "inotify, write, fsync, rename", bare.Row().c_str());
  Bars bars("drift");
  bars.AtMost("p50", Milliseconds(ours.Median()), "ms", 10);
  bars.AtMost("p99", Milliseconds(ours.Percentile(0.99)), "ms", 100);
  return bars.Print();
}

}  // namespace
}  // namespace lockstep

int main(int argc, char** argv) {
  if (argc == 2) return lockstep::Main(argv[1]);
  std::fputs("usage: bench_drift DIRECTORY\n", stderr);
  return 2;
}
