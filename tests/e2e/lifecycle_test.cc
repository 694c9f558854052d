// What people do to a fleet in its life, on the real programs.

#include <signal.h>
#include <string>

#include <absl/strings/str_cat.h>
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
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;

using LifecycleTest = SmallFleetTest;

TEST_F(LifecycleTest, ASuspendedApplicationIsLeftAloneAndTheNewestIsAppliedOnResume) {
  Said said = fleet_.Lockstep({"suspend", "application", "web", "--reason", "incident"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Suspended"));
  ASSERT_OK(Change("second"));
  ASSERT_OK(Change("third"));
  EXPECT_THAT(One(), HasSubstr("first"));
  said = fleet_.Lockstep({"resume", "application", "web"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_THAT(One(), HasSubstr("third"));
}

TEST_F(LifecycleTest, ADeletedApplicationLeavesItsObjectsUnlessTheyAreAskedFor) {
  Said said = fleet_.Lockstep({"delete", "application", "web", "--yes", "--wait"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(TargetFiles(fleet_.target("eu-1")), ElementsAre(Key(kOne), Key(kTwo)));

  ASSERT_OK(fleet_.Apply(ApplicationManifest("web", "web")));
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  said = fleet_.Lockstep({"delete", "application", "web", "--objects", "--yes", "--wait"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  EXPECT_THAT(TargetFiles(fleet_.target("eu-1")), IsEmpty());
}

TEST_F(LifecycleTest, AForeignFileStallsUntilTheClusterIsAccepted) {
  const std::string path = fleet_.target("eu-1") + "/shop/ConfigMap/three.yaml";
  ASSERT_OK(WriteFileAtomic(path, ConfigMap("three", "foreign"), Durability::kNone));
  commit_ = repository_.Commit({{"web/three.yaml", ConfigMap("three", "ours")}});
  ASSERT_OK(fleet_.SyncRepository("fleet"));
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Stalled"));
  EXPECT_THAT(*ReadFile(path), HasSubstr("foreign"));
  const Said said = fleet_.Lockstep({"cluster", "accept", "eu-1"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_THAT(*ReadFile(path), HasSubstr("ours"));
}

TEST_F(LifecycleTest, AKilledHubComesBackAndSendsNothingThatIsThere) {
  fleet_.EndHub(SIGKILL);
  ASSERT_OK(EditAndWait());
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.WaitOnline("eu-1"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_EQ(*fleet_.HubMetric("lockstep_hub_messages_sent_total{message=\"desired\"}"), 0);
  EXPECT_EQ(*fleet_.HubMetric("lockstep_hub_blob_served_bytes_total"), 0);
  ASSERT_OK(Change("second"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_EQ(*fleet_.HubMetric("lockstep_hub_messages_sent_total{message=\"desired\"}"), 1);
}

TEST_F(LifecycleTest, AnOldCopyOfTheStorePushesNothingUntilApproved) {
  fleet_.EndHub(SIGTERM);
  const std::string copy = fleet_.directory() + "/copy";
  ASSERT_NO_FATAL_FAILURE(Copy(fleet_.hub_data(), copy));
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(Change("second"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  fleet_.EndHub(SIGTERM);
  ASSERT_NO_FATAL_FAILURE(Copy(copy, fleet_.hub_data()));

  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
    LOCKSTEP_ASSIGN_OR_RETURN(
        const v1::GetHubResponse hub,
        fleet_.client().Call(&FleetClient::Stub::GetHub, v1::GetHubRequest()));
    return hub.behind();
  }));
  ASSERT_OK(Change("third"));
  EXPECT_THAT(One(), HasSubstr("second"));
  const Said said = fleet_.Lockstep({"approve", "--hub", "--yes"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_THAT(One(), HasSubstr("third"));
}

TEST_F(LifecycleTest, A54ARemovedClustersAgentIsToldAtOnceAndItsIdentityIsNeverTakenAgain) {
  const std::string copy = fleet_.directory() + "/copy";
  ASSERT_NO_FATAL_FAILURE(Copy(fleet_.state("eu-1"), copy));
  const absl::Duration begun = SystemClock()->Monotonic();
  const Said said = fleet_.Lockstep({"cluster", "remove", "eu-1", "--yes"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  const std::string log = fleet_.logs() + "/agent-eu-1.log";
  ASSERT_OK(WaitForFile(log, [](bool, const std::string& text) {
    return text.find("removed") != std::string::npos;
  }));
  EXPECT_LT(SystemClock()->Monotonic() - begun, absl::Seconds(5));
  EXPECT_THAT(TargetFiles(fleet_.target("eu-1")), ElementsAre(Key(kOne), Key(kTwo)));

  // An old copy of its state does not bring it back, also at a hub that was restarted: that closes
  // a revoked key's connection before anything is said, while it answers others.
  fleet_.EndAgent("eu-1", SIGTERM);
  ASSERT_OK(fleet_.JoinToken("eu-1"));
  fleet_.EndHub(SIGKILL);
  ASSERT_OK(fleet_.StartHub());
  ASSERT_NO_FATAL_FAILURE(Copy(copy, fleet_.state("eu-1")));
  ASSERT_OK(RemoveFile(log));
  fleet_.StartAgent("eu-1");
  ASSERT_OK(WaitForFile(log, [](bool, const std::string& text) {
    return text.find("hub not reached") != std::string::npos;
  }));
  v1::ResourceKey key;
  key.set_kind("Cluster");
  key.set_name("eu-1");
  ASSERT_OK_AND_ASSIGN(const v1::GetResponse cluster, fleet_.client().Get(key));
  EXPECT_FALSE(cluster.resource().cluster().status().online());
}

TEST_F(LifecycleTest, F82ATerminatedHubEndsInTimeWithWorkUnderWayAndIsInStepAgain) {
  ASSERT_OK(Change("second"));
  const absl::Duration begun = SystemClock()->Monotonic();
  fleet_.EndHub(SIGTERM);
  EXPECT_LT(SystemClock()->Monotonic() - begun, absl::Seconds(10));
  ASSERT_OK(EditAndWait());
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.SyncRepository("fleet"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_THAT(One(), HasSubstr("second"));
}

TEST_F(LifecycleTest, A66A91CredentialsStandNowhereInClear) {
  const std::string canary = "canary-5f1c0e7b9d";
  ASSERT_OK(fleet_.Apply(absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: fleet-git}\nstringData: "
      "{username: git, password: ",
      canary,
      "}\n---\napiVersion: lockstep.dev/v1\nkind: "
      "GitRepository\nmetadata: {name: secret}\nspec:\n  url: https://git.invalid/fleet.git\n  "
      "secretRef: {name: fleet-git}\n")));
  EXPECT_THAT(fleet_.SyncRepository("secret"), Not(IsOk()));  // The host does not resolve.
  for (const char* kind : {"secrets", "gitrepositories"}) {
    for (const char* format : {"wide", "yaml", "json"}) {
      const Said said = fleet_.Lockstep({"get", kind, "-o", format});
      ASSERT_EQ(said.exit_code, 0) << said.err;
      EXPECT_THAT(said.out + said.err, Not(HasSubstr(canary)));
    }
  }
  for (const char* name : {"events", "version"}) {
    EXPECT_THAT(fleet_.Lockstep({name}).out, Not(HasSubstr(canary)));
  }
  ASSERT_OK_AND_ASSIGN(const std::string metrics, fleet_.HubMetrics());
  EXPECT_THAT(metrics,
              AllOf(HasSubstr("lockstep_hub_agent_sessions_total 1"), Not(HasSubstr(canary))));
  EXPECT_THAT(FilesWith(fleet_.directory(), canary), IsEmpty());
}

}  // namespace
}  // namespace lockstep
