// F-01: the hub is killed at random points of its work while commits and commands flow.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <memory>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string>
#include <sys/inotify.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/base/thread.h"
#include "tests/e2e/small_fleet.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr int kKills = 8;
constexpr int kCommandsMax = 200;  // Between two kills.
const std::vector<std::string> kClusters = {"eu-1", "eu-2", "us-1"};

/// Reads the number in a target's one.yaml at each of its writes, and counts those that go back.
class Backsteps {
 public:
  explicit Backsteps(const std::string& file) : file_(file), watch_(inotify_init1(IN_CLOEXEC)) {
    if (inotify_add_watch(watch_.get(), DirName(file).c_str(), IN_MOVED_TO) < 0) abort();
    if (pipe2(stop_, O_CLOEXEC) != 0) abort();  // No program keeps it open.
    thread_ = Thread("backsteps", [this] { Run(); });
  }
  ~Backsteps() {
    close(stop_[1]);
    thread_.Join();
    close(stop_[0]);
  }

  int64_t count() const { return count_; }

 private:
  void Run() {
    while (true) {
      pollfd waits[] = {{watch_.get(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
      poll(waits, 2, -1);
      if (waits[1].revents != 0) return;
      char events[4096];
      if (read(watch_.get(), events, sizeof events) < 0) return;
      Look();
    }
  }
  void Look() {
    const absl::StatusOr<std::string> content = ReadFile(file_);
    const size_t at = content.ok() ? content->find("key: v") : std::string::npos;
    int64_t now = 0;
    if (at == std::string::npos || sscanf(content->c_str() + at, "key: v%ld", &now) != 1) return;
    if (now < newest_) ++count_;
    newest_ = now;
  }

  const std::string file_;
  const OwnedFd watch_;
  int stop_[2];
  int64_t newest_ = 0;  // The thread's.
  std::atomic<int64_t> count_{0};
  Thread thread_;
};

class F01Test : public SmallFleetTest {
 protected:
  void SetUp() override {
    const char* seed = getenv("LOCKSTEP_SEED");
    uint64_t chosen = 0;
    if (seed == nullptr || !absl::SimpleAtoi(seed, &chosen)) chosen = SystemRng()->Next();
    std::cout << "LOCKSTEP_SEED=" << chosen << std::endl;
    rng_ = std::make_unique<SeededRng>(chosen);
    SmallFleetTest::SetUp();
    for (const std::string& cluster : kClusters) {
      if (cluster == "eu-1") continue;
      ASSERT_OK(fleet_.Join(cluster));
      ASSERT_OK(fleet_.WaitState("web", cluster, "Synced"));
    }
  }

  // Commands, one after another, while commits flow; then the hub is killed in whatever it does.
  void WorkAndKill() {
    Thread commits("commits", [this] {
      while (Change(absl::StrCat("v", ++value_)).ok()) {
      }
    });
    const int64_t until = acknowledged_ + 1 + static_cast<int64_t>(rng_->Below(kCommandsMax));
    absl::Status labelled;
    while (labelled.ok() && acknowledged_ < until) {
      v1::LabelClusterRequest request;
      request.set_cluster("eu-1");
      (*request.mutable_set())["count"] = absl::StrCat(acknowledged_ + 1);
      labelled = fleet_.client().Call(&FleetClient::Stub::LabelCluster, request).status();
      if (labelled.ok()) ++acknowledged_;
    }
    kill(-fleet_.hub_pid(), SIGKILL);
    commits.Join();
    fleet_.EndHub(SIGKILL);
    EXPECT_OK(labelled);
  }

  // How long it takes until all agents are back.
  absl::StatusOr<absl::Duration> ComeBack() {
    const absl::Duration begun = SystemClock()->Monotonic();
    LOCKSTEP_RETURN_IF_ERROR(fleet_.StartHub());
    for (const std::string& cluster : kClusters) {
      LOCKSTEP_RETURN_IF_ERROR(fleet_.WaitOnline(cluster));
    }
    return SystemClock()->Monotonic() - begun;
  }

  // I-1: what was answered is there.
  void ExpectNothingLost() {
    v1::ResourceKey key;
    key.set_kind("Cluster");
    key.set_name("eu-1");
    ASSERT_OK_AND_ASSIGN(const v1::GetResponse response, fleet_.client().Get(key));
    EXPECT_EQ(response.resource().cluster().metadata().labels().at("count"),
              absl::StrCat(acknowledged_));
  }

  // I-3, as the hub tells it.
  void ExpectGenerationsGrow() {
    ASSERT_OK_AND_ASSIGN(const v1::Application web, fleet_.GetApplication("web"));
    for (const v1::ApplicationClusterStatus& there : web.status().per_cluster()) {
      EXPECT_GE(there.desired_generation(), generations_[there.cluster()]) << there.cluster();
      generations_[there.cluster()] = there.desired_generation();
    }
  }

  std::unique_ptr<SeededRng> rng_;
  int64_t acknowledged_ = 0;  // Labels.
  int64_t value_ = 0;         // In Git.
  std::map<std::string, uint64_t> generations_;
};

TEST_F(F01Test, F01AHubKilledAtRandomLosesNothingAndRewritesNothing) {
  std::map<std::string, std::string> untouched;
  std::map<std::string, std::unique_ptr<Backsteps>> watches;
  for (const std::string& cluster : kClusters) {
    untouched[cluster] = TargetWrites(fleet_.target(cluster))[kTwo];
    watches[cluster] = std::make_unique<Backsteps>(fleet_.target(cluster) + "/" + kOne);
  }
  for (int kills = 1; kills <= kKills; ++kills) {
    ASSERT_NO_FATAL_FAILURE(WorkAndKill());
    ASSERT_OK_AND_ASSIGN(const absl::Duration took, ComeBack());
    std::cout << "kill " << kills << " after " << acknowledged_ << " commands and " << value_
              << " commits; all agents back in " << absl::ToInt64Milliseconds(took) << " ms"
              << std::endl;
    ASSERT_NO_FATAL_FAILURE(ExpectNothingLost());
    ASSERT_NO_FATAL_FAILURE(ExpectGenerationsGrow());
    ASSERT_OK(fleet_.SyncRepository("fleet"));
    ASSERT_OK(fleet_.WaitSynced(commit_));
    for (const std::string& cluster : kClusters) {
      const auto files = TargetFiles(fleet_.target(cluster));
      EXPECT_THAT(files.at(kOne), testing::HasSubstr(absl::StrCat("v", value_, "\n")));
      EXPECT_EQ(TargetWrites(fleet_.target(cluster))[kTwo], untouched[cluster]) << cluster;  // I-2.
      EXPECT_EQ(watches[cluster]->count(), 0) << cluster;                                    // I-3.
    }
  }
}

}  // namespace
}  // namespace lockstep
