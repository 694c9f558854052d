// What a hub does whose store was hurt, on the real programs (FAULTS F-10, F-12, F-13).

#include <cstdlib>
#include <fcntl.h>
#include <signal.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "tests/e2e/small_fleet.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StoreDamageTest : public SmallFleetTest {
 protected:
  std::string StoreFile(const std::string& name) { return fleet_.hub_data() + "/store/" + name; }

  // The log that the store writes at present.
  std::string Log() {
    std::string newest;
    const auto names = ListDirectory(fleet_.hub_data() + "/store");
    if (!names.ok()) std::abort();
    for (const std::string& name : *names) {
      if (absl::EndsWith(name, ".log")) newest = name;  // They are sorted.
    }
    return StoreFile(newest);
  }

  static off_t Size(const std::string& path) {
    struct stat about {};
    if (stat(path.c_str(), &about) != 0) std::abort();
    return about.st_size;
  }

  // Two more commits, everywhere in step; then the hub dies. The place in its log where they begin.
  void ChangeTwiceAndDie(std::string* log, off_t* before) {
    *log = Log();
    *before = Size(*log);
    for (const char* value : {"second", "third"}) {
      ASSERT_OK(Change(value));
      ASSERT_OK(fleet_.WaitSynced(commit_));
    }
    fleet_.EndHub(SIGKILL);
    ASSERT_EQ(Log(), *log);
    ASSERT_GT(Size(*log), *before);
  }

  // It does not open; recover gives up what is lost; agents know better, and nothing is pushed or
  // deleted until a person says so.
  void ExpectRecovery() {
    EXPECT_THAT(fleet_.StartHub(),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("was acknowledged"), HasSubstr("`lockstep-hub recover"))));
    Said said = fleet_.Run("lockstep-hub", {"recover", "--data", fleet_.hub_data()});
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err, HasSubstr("--accept-loss"));
    said = fleet_.Run("lockstep-hub", {"recover", "--data", fleet_.hub_data(), "--accept-loss"});
    ASSERT_EQ(said.exit_code, 0) << said.err;
    EXPECT_THAT(said.out, HasSubstr("`lockstep approve --hub`"));

    const auto before = TargetWrites(fleet_.target("eu-1"));
    ASSERT_OK(fleet_.StartHub());
    ASSERT_OK(WaitBehind());
    EXPECT_THAT(fleet_.Lockstep({"version"}).err, HasSubstr("behind"));
    ASSERT_OK(Change("fourth"));
    EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
    said = fleet_.Lockstep({"approve", "--hub", "--yes"});
    ASSERT_EQ(said.exit_code, 0) << said.err;
    ASSERT_OK(fleet_.WaitSynced(commit_));
    EXPECT_THAT(One(), HasSubstr("fourth"));
    auto after = TargetWrites(fleet_.target("eu-1"));
    EXPECT_EQ(after.at(kTwo), before.at(kTwo));
  }

  absl::Status WaitBehind() {
    return fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      LOCKSTEP_ASSIGN_OR_RETURN(
          const v1::GetHubResponse hub,
          fleet_.client().Call(&FleetClient::Stub::GetHub, v1::GetHubRequest()));
      return hub.behind();
    });
  }
};

TEST_F(StoreDamageTest, F12ADamagedLogIsRefusedUntilTheLossIsAccepted) {
  std::string log;
  off_t before = 0;
  ASSERT_NO_FATAL_FAILURE(ChangeTwiceAndDie(&log, &before));
  const OwnedFd fd(open(log.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(pwrite(fd.get(), "!!!!", 4, before + 100), 4);
  ASSERT_NO_FATAL_FAILURE(ExpectRecovery());
}

TEST_F(StoreDamageTest, F13ACutLogIsRefusedUntilTheLossIsAccepted) {
  std::string log;
  off_t before = 0;
  ASSERT_NO_FATAL_FAILURE(ChangeTwiceAndDie(&log, &before));
  ASSERT_EQ(truncate(log.c_str(), before + 100), 0);
  ASSERT_NO_FATAL_FAILURE(ExpectRecovery());
}

TEST_F(StoreDamageTest, A66AKeyOfTheSecretsThatIsLostIsReplacedOnlyOnRequestAndWhatIsLostIsNamed) {
  const std::string secret = R"(apiVersion: lockstep.dev/v1
kind: Secret
metadata: {name: private, namespace: default}
stringData: {username: git, password: canary-5d0c}
)";
  ASSERT_OK(fleet_.Apply(secret));
  ASSERT_OK(fleet_.Apply(R"(apiVersion: lockstep.dev/v1
kind: GitRepository
metadata: {name: private, namespace: default}
spec: {url: "https://git.invalid/private.git", secretRef: {name: private}}
)"));
  const std::string key = fleet_.hub_data() + "/keys/secrets.key";
  const std::vector<std::string> reset = {"secrets", "reset", "--data", fleet_.hub_data()};
  std::vector<std::string> accept = reset;
  accept.push_back("--accept-loss");
  for (const char* const damage : {"", "no key"}) {
    SCOPED_TRACE(damage);
    Said said = fleet_.Run("lockstep-hub", reset);
    EXPECT_NE(said.exit_code, 0) << "it runs";
    fleet_.EndHub(SIGTERM);
    said = fleet_.Run("lockstep-hub", accept);
    EXPECT_EQ(said.exit_code, 0) << said.err;
    EXPECT_THAT(said.out, AllOf(HasSubstr("nothing was changed"), HasSubstr("no Secret is lost")));

    ASSERT_OK(RemoveFile(key));
    if (*damage != 0) {
      ASSERT_OK(WriteFileAtomic(key, damage, Durability::kNone, 0600));
    }
    EXPECT_THAT(fleet_.StartHub().message(), HasSubstr("`lockstep-hub secrets reset`"));
    said = fleet_.Run("lockstep-hub", reset);
    EXPECT_EQ(said.exit_code, 2);
    EXPECT_THAT(said.err,
                AllOf(HasSubstr("Secret default/private, for GitRepository default/private"),
                      HasSubstr("--accept-loss")));
    EXPECT_EQ(ReadFile(key).value_or(""), damage) << "nothing was changed";
    said = fleet_.Run("lockstep-hub", accept);
    EXPECT_EQ(said.exit_code, 0) << said.err;
    EXPECT_THAT(said.out, HasSubstr("Secret default/private"));
    EXPECT_EQ(PathExists(key + ".damaged-1"), *damage != 0);

    ASSERT_OK(fleet_.StartHub());
    ASSERT_OK(fleet_.WaitHubSays("the key does not open a Secret"));
    ASSERT_OK(fleet_.Apply(secret));
    ASSERT_OK(Change(absl::StrCat("after ", damage)));
    ASSERT_OK(fleet_.WaitSynced(commit_));
  }
}

// What strace does to the hub's calls on its store.
class IoErrorTest : public StoreDamageTest {
 protected:
  void SetUp() override {
    const bool there = !FindProgram("strace").empty();
    if (!there ||
        RunProgram({.arguments = {"strace", "-qq", "-o", "/dev/null", "true"}}).exit_code != 0) {
      GTEST_SKIP() << "strace is not there or may not trace: no I/O errors to inject";
    }
    SmallFleetTest::SetUp();
  }

  // EIO for the `nth` `call` of the hub on a file of its store that ends in `suffix`.
  absl::Status StartHubWithErrors(const std::string& call, const std::string& suffix, int nth) {
    std::vector<std::string> wrapper = {"strace", "-f", "-qq", "-o", trace()};
    for (int number = 1; number <= kFilesMax; ++number) {
      wrapper.push_back("-P");
      wrapper.push_back(StoreFile(absl::StrCat(absl::Dec(number, absl::kZeroPad6), suffix)));
    }
    wrapper.insert(wrapper.end(), {"-e", "trace=" + call, "-e",
                                   absl::StrCat("inject=", call, ":error=EIO:when=", nth, "+")});
    return fleet_.StartHub(wrapper);
  }
  std::string trace() { return fleet_.directory() + "/trace"; }
  // The fault happened.
  bool Injected() {
    const absl::StatusOr<std::string> lines = ReadFile(trace());
    return lines.ok() && absl::StrContains(*lines, "(INJECTED)");
  }

  static constexpr int kFilesMax = 200;  // What a store of a few starts numbers its files with.
};

TEST_F(IoErrorTest, F10AHubWhoseLogCannotBeWrittenEndsAndSaysSo) {
  for (const char* call : {"write", "fdatasync"}) {
    SCOPED_TRACE(call);
    fleet_.EndHub(SIGTERM);
    ASSERT_OK(StartHubWithErrors(call, ".log", 12));
    int64_t acknowledged = 0;
    absl::Status status;
    while (status.ok()) {
      v1::LabelClusterRequest request;
      request.set_cluster("eu-1");
      (*request.mutable_set())["count"] = absl::StrCat(acknowledged + 1);
      status = fleet_.client().Call(&FleetClient::Stub::LabelCluster, request).status();
      if (status.ok()) ++acknowledged;
      ASSERT_LT(acknowledged, 1000);
    }
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;  // The connection broke: not answered.
    ASSERT_OK(fleet_.WaitHubSays("the store failed; the hub ends"));
    ASSERT_TRUE(Injected());
    fleet_.EndHub(SIGTERM);

    // What was answered is there; what was not may be (FAULTS M6).
    ASSERT_OK(fleet_.StartHub());
    v1::ResourceKey key;
    key.set_kind("Cluster");
    key.set_name("eu-1");
    ASSERT_OK_AND_ASSIGN(const v1::GetResponse response, fleet_.client().Get(key));
    const auto& labels = response.resource().cluster().metadata().labels();
    const auto count = labels.find("count");
    EXPECT_THAT(count == labels.end() ? "0" : count->second,
                testing::AnyOf(absl::StrCat(acknowledged), absl::StrCat(acknowledged + 1)));
    ASSERT_OK(fleet_.WaitOnline("eu-1"));
    ASSERT_OK(fleet_.WaitSynced(commit_));
  }
}

TEST_F(IoErrorTest, F10AHubThatCannotReadItsTablesDoesNotStartWithAPart) {
  fleet_.EndHub(SIGTERM);
  const auto before = TargetWrites(fleet_.target("eu-1"));
  int failures = 0;
  // The first read of the start, the second, the fourth, …, until one needs no more than were let
  // through.
  for (int nth = 1; nth < 1000; nth *= 2) {
    const absl::Status started = StartHubWithErrors("pread64", ".sst", nth);
    if (!Injected()) break;
    ++failures;
    EXPECT_FALSE(started.ok()) << nth;
    if (started.ok()) fleet_.EndHub(SIGTERM);
  }
  EXPECT_GT(failures, 0);
  fleet_.EndHub(SIGTERM);
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
}

}  // namespace
}  // namespace lockstep
