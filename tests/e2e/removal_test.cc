// How clusters leave the fleet and come back, on the real programs.

#include <signal.h>
#include <string>

#include <absl/strings/match.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "tests/e2e/small_fleet.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

class RemovalTest : public SmallFleetTest {
 protected:
  Said Release() {
    return fleet_.Run("lockstep-agent", {"release", "--state", fleet_.state("eu-1"), "--target",
                                         "directory:" + fleet_.target("eu-1")});
  }
  Said Remove(const std::string& cluster) {
    return fleet_.Lockstep({"cluster", "remove", cluster, "--yes"});
  }
  // What the agent of eu-1 says from now on.
  void ForgetLog() { ASSERT_OK(RemoveFile(fleet_.logs() + "/agent-eu-1.log")); }
};

TEST_F(RemovalTest, AnAgentThatWasAwayIsRefusedKeepsItsObjectsAndMayJoinAnew) {
  fleet_.EndAgent("eu-1", SIGTERM);
  ASSERT_OK(fleet_.WaitOnline("eu-1", false));
  const Said said = Remove("eu-1");
  ASSERT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(said.err, HasSubstr("`lockstep-agent release`"));

  // It is refused, says what that may mean, and goes on as before: a refusal proves nothing.
  const auto before = TargetWrites(fleet_.target("eu-1"));
  ForgetLog();
  fleet_.StartAgent("eu-1");
  ASSERT_OK(WaitAgentSays("hub not reached"));
  ASSERT_OK(WaitAgentSays("the hub refuses this agent"));
  ASSERT_OK(WaitAgentSays("join again with a new token"));
  ASSERT_OK(fleet_.WaitHubSays("connection refused"));
  EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
  ASSERT_OK(EditAndWait());

  // With a new token it takes up what lies there, and writes nothing.
  fleet_.EndAgent("eu-1", SIGTERM);
  const auto restored = TargetWrites(fleet_.target("eu-1"));
  ASSERT_OK_AND_ASSIGN(const std::string token, fleet_.JoinToken("eu-1"));
  fleet_.StartAgent("eu-1", token);
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), restored);
  EXPECT_EQ(*fleet_.AgentMetric("eu-1", "lockstep_agent_writes_total{result=\"applied\"}"), 0);
  ASSERT_OK(Change("second"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_THAT(One(), HasSubstr("second"));
}

TEST_F(RemovalTest, ATokenRedeemedByANewAgentLocksTheOldOneOut) {
  fleet_.EndAgent("eu-1", SIGTERM);
  const std::string copy = fleet_.directory() + "/copy";
  ASSERT_NO_FATAL_FAILURE(Copy(fleet_.state("eu-1"), copy));
  ASSERT_OK_AND_ASSIGN(const std::string token, fleet_.JoinToken("eu-1"));
  fleet_.StartAgent("eu-1", token);
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  fleet_.EndAgent("eu-1", SIGTERM);
  ASSERT_OK(fleet_.WaitOnline("eu-1", false));

  ASSERT_NO_FATAL_FAILURE(Copy(copy, fleet_.state("eu-1")));
  ForgetLog();
  fleet_.StartAgent("eu-1");
  ASSERT_OK(WaitAgentSays("hub not reached"));
}

TEST_F(RemovalTest, AReleasedAgentLeavesItsObjectsAndDoesNotStartAgain) {
  Said said = Release();
  EXPECT_EQ(said.exit_code, 1);  // It runs.
  fleet_.EndAgent("eu-1", SIGTERM);
  const auto before = TargetWrites(fleet_.target("eu-1"));
  for (int i = 0; i < 2; ++i) {  // Twice is as good as once.
    said = Release();
    EXPECT_EQ(said.exit_code, 0) << said.err;
    EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
  }
  fleet_.StartAgent("eu-1");
  ASSERT_OK(WaitAgentSays("join it again with a new token"));

  ASSERT_OK_AND_ASSIGN(const std::string token, fleet_.JoinToken("eu-1"));
  fleet_.EndAgent("eu-1", SIGTERM);
  fleet_.StartAgent("eu-1", token);
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
}

TEST_F(RemovalTest, A54ABackupFromBeforeDoesNotBringARevokedAgentBack) {
  ASSERT_OK(fleet_.Join("us-1"));
  fleet_.EndHub(SIGTERM);
  const std::string backup = fleet_.directory() + "/backup";
  const std::string stolen = fleet_.directory() + "/stolen";
  ASSERT_NO_FATAL_FAILURE(Copy(fleet_.hub_data(), backup));
  ASSERT_NO_FATAL_FAILURE(Copy(fleet_.state("eu-1"), stolen));
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.WaitOnline("eu-1"));
  const Said said = Remove("eu-1");
  ASSERT_EQ(said.exit_code, 0) << said.err;
  ASSERT_OK(WaitAgentSays("removed from the fleet"));
  fleet_.EndAgent("eu-1", SIGTERM);
  // The other agent hears of it when it next says hello.
  fleet_.EndAgent("us-1", SIGTERM);
  ASSERT_OK(fleet_.WaitOnline("us-1", false));
  fleet_.StartAgent("us-1");
  ASSERT_OK(fleet_.WaitState("web", "us-1", "Synced"));
  fleet_.EndAgent("us-1", SIGTERM);
  fleet_.EndHub(SIGTERM);

  // The restored hub believes in the revoked key until an agent tells it better, and then at once.
  ASSERT_NO_FATAL_FAILURE(Copy(backup, fleet_.hub_data()));
  ASSERT_NO_FATAL_FAILURE(Copy(stolen, fleet_.state("eu-1")));
  ASSERT_OK(fleet_.StartHub());
  fleet_.StartAgent("eu-1");
  ASSERT_OK(fleet_.WaitOnline("eu-1"));
  ForgetLog();
  const absl::Duration begun = SystemClock()->Monotonic();
  fleet_.StartAgent("us-1");
  ASSERT_OK(fleet_.WaitOnline("eu-1", false));
  EXPECT_LT(SystemClock()->Monotonic() - begun, absl::Seconds(5));
  fleet_.EndAgent("eu-1", SIGTERM);
  ForgetLog();
  fleet_.StartAgent("eu-1");
  ASSERT_OK(WaitAgentSays("hub not reached"));
  EXPECT_THAT(TargetFiles(fleet_.target("eu-1")), ElementsAre(Key(kOne), Key(kTwo)));
}

}  // namespace
}  // namespace lockstep
