// Deletes that wait for a person, and everything that goes.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/core/queries.h"
#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const ResourceKey kWeb{ResourceKind::kApplication, "shop", "web"};

// Ten objects on each of two clusters.
struct Ten : Fleet {
  Ten() {
    AddCluster("eu-1");
    AddCluster("us-1");
    AddRepository();
    Apply(MakeApplication("web"));
    for (int i = 0; i < 10; ++i) full[absl::StrCat("o", i)] = "1";
    content["web"]["eu-1"] = content["web"]["us-1"] = full;
    Connect("eu-1");
    Connect("us-1");
    Commit();
    Settle();
  }

  // Leaves the first `count` objects in Git.
  Folder First(int count) const {
    Folder folder;
    for (int i = 0; i < count; ++i) folder[absl::StrCat("o", i)] = "1";
    return folder;
  }
  void Shrink(const std::string& cluster, int to) {
    content["web"][cluster] = First(to);
    Commit();
    Settle();
  }

  Folder full;
};

TEST(Deletes, F17AListIsNotApprovedBeforeItsApplicationHasARelease) {
  Ten fleet;
  fleet.Shrink("eu-1", 2);
  ASSERT_THAT(HeldLists(fleet.state, "shop/web"), SizeIs(1));
  Assignment& assignment = fleet.state.clusters.at("eu-1").instances.at("shop/web").assignment;
  assignment = Assignment();  // The hub lost it and has not rendered again.
  fleet.Do(command::ApproveDeletes{{"shop", "web"}, "eu-1", false, {}, false}).IgnoreError();
  EXPECT_EQ(assignment.generation, 0u);
  EXPECT_THAT(HeldLists(fleet.state, "shop/web"), IsEmpty());
}

TEST(Deletes, G1OneApprovalTakesIdenticalLists) {
  Ten fleet;
  fleet.content["web"]["eu-1"] = fleet.content["web"]["us-1"] = fleet.First(4);
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_THAT(HeldLists(fleet.state, "shop/web"), SizeIs(2));
  ASSERT_OK_AND_ASSIGN(const ReplyBody body,
                       fleet.Do(command::ApproveDeletes{{"shop", "web"}, "", false, {}, false}));
  EXPECT_THAT(std::get<reply::Approved>(body).approved, SizeIs(2));
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, SizeIs(6));
  EXPECT_THAT(fleet.Agent("us-1").deleted, SizeIs(6));
  EXPECT_THAT(HeldLists(fleet.state, "shop/web"), IsEmpty());
}

TEST(Deletes, G1AnotherListWaitsOn) {
  Ten fleet;
  fleet.content["web"]["eu-1"] = fleet.First(4);
  fleet.content["web"]["us-1"] = fleet.First(3);
  fleet.Commit();
  fleet.Settle();
  ASSERT_OK_AND_ASSIGN(const ReplyBody body,
                       fleet.Do(command::ApproveDeletes{{"shop", "web"}, "", false, {}, false}));
  EXPECT_THAT(std::get<reply::Approved>(body).left, SizeIs(1));
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("us-1").deleted, IsEmpty());
  ASSERT_OK(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "us-1", false, {}, false}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("us-1").deleted, SizeIs(7));
}

TEST(Deletes, G1AnApprovalIsVoidWhenTheListChangesBeforeTheAgentHears) {
  Ten fleet;
  fleet.Shrink("eu-1", 4);
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "eu-1", false, {}, false}).status());
  EXPECT_TRUE(fleet.Find("web", "eu-1")->assignment.approved.has_value());
  fleet.Shrink("eu-1", 3);
  EXPECT_FALSE(fleet.Find("web", "eu-1")->assignment.approved.has_value());
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Deletes, G1AnApprovalOutlivesACommitThatDeletesNothing) {
  Ten fleet;
  fleet.Shrink("eu-1", 4);
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "eu-1", false, {}, false}).status());
  Folder changed = fleet.First(4);
  changed["o0"] = "2";
  fleet.content["web"]["eu-1"] = changed;
  fleet.Commit();
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, SizeIs(6));
}

TEST(Deletes, ApprovingWhatIsNotWhatWasShownChangesNothing) {
  Ten fleet;
  fleet.Shrink("eu-1", 4);
  command::ApproveDeletes approve{
      {"shop", "web"}, "", false, {{"eu-1", Digest::Of("shown")}}, false};
  EXPECT_THAT(fleet.Do(approve).status(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("look again")));
  EXPECT_THAT(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "us-1", false, {}, false}).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no deletes wait")));
}

TEST(Deletes, G14ADeletedApplicationLeavesItsObjects) {
  Ten fleet;
  fleet.Disconnect("us-1");
  ASSERT_OK_AND_ASSIGN(const ReplyBody body, fleet.Do(command::Delete{kWeb}));
  EXPECT_THAT(std::get<reply::Deleted>(body).waiting_for, UnorderedElementsAre("eu-1", "us-1"));
  fleet.Settle();
  EXPECT_FALSE(fleet.Agent("eu-1").applications.contains("shop/web"));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());

  // The name is not free until us-1 has heard of it.
  EXPECT_THAT(fleet.TryApply({fleet.MakeApplication("web")}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("still going")));
  EXPECT_THAT(WaitingFor(fleet.state, "shop/web"), ElementsAre("us-1"));
  fleet.Connect("us-1");
  fleet.Settle();
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
  EXPECT_THAT(fleet.Agent("us-1").deleted, IsEmpty());
}

TEST(Deletes, OrphanStopsWaitingForWhoIsAway) {
  Ten fleet;
  fleet.Disconnect("us-1");
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::Delete{kWeb, command::Delete::Objects::kOrphan}).status());
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
  // The agent comes back with something that the hub no longer knows: it lets go of it and deletes
  // nothing.
  fleet.Connect("us-1");
  fleet.Settle();
  EXPECT_FALSE(fleet.Agent("us-1").applications.contains("shop/web"));
  EXPECT_THAT(fleet.Agent("us-1").deleted, IsEmpty());
  EXPECT_EQ(fleet.Find("web", "us-1"), nullptr);
}

TEST(Deletes, DeletingTheObjectsTakesTheListsThatWereShown) {
  Ten fleet;
  ASSERT_OK_AND_ASSIGN(
      const ReplyBody shown,
      fleet.Do(command::Delete{kWeb, command::Delete::Objects::kDelete, {}, true}));
  std::vector<command::ApprovedList> approved;
  for (const reply::HeldList& list : std::get<reply::Deleted>(shown).lists) {
    EXPECT_THAT(list.objects, SizeIs(10));
    approved.push_back({list.cluster, list.digest});
  }
  EXPECT_THAT(
      fleet.Do(command::Delete{kWeb, command::Delete::Objects::kDelete, {approved[0]}, false})
          .status(),
      StatusIs(absl::StatusCode::kAborted, HasSubstr("look again")));
  ASSERT_OK(
      fleet.Do(command::Delete{kWeb, command::Delete::Objects::kDelete, approved, false}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, SizeIs(10));
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
}

TEST(Deletes, APolicyOfDeleteWaitsForApproval) {
  Ten fleet;
  Application web = fleet.MakeApplication("web");
  web.spec.deletion_policy = DeletionPolicy::kDelete;
  fleet.Apply(web);
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).state,
            ShownState::kDeleting);
  ASSERT_OK(fleet.Do(command::ApproveDeletes{{"shop", "web"}, "", true, {}, false}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("us-1").deleted, SizeIs(10));
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
}

TEST(Deletes, AClusterOutOfPlacementLetsGoAndComesBack) {
  Ten fleet;
  fleet.Apply(fleet.MakeApplication("web", {"us-1"}));
  fleet.Settle();
  EXPECT_FALSE(fleet.Agent("eu-1").applications.contains("shop/web"));
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->size(), 10);
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Deletes, APlaceTakenBackBeforeTheAgentHeardIsNoRelease) {
  Ten fleet;
  fleet.Disconnect("eu-1");
  fleet.Apply(fleet.MakeApplication("web", {"us-1"}));
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").applications.at("shop/web").manifest->size(), 10);
  EXPECT_FALSE(fleet.Find("web", "eu-1")->releasing());
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).ready, 2);
}

TEST(Deletes, ARemovedClusterIsToldAndItsKeyIsRevoked) {
  Ten fleet;
  ASSERT_OK_AND_ASSIGN(const ReplyBody body, fleet.Do(command::RemoveCluster{"eu-1"}));
  EXPECT_TRUE(std::get<reply::Removed>(body).told);
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kRemoved);
  EXPECT_THAT(fleet.state.revoked, SizeIs(1));
  fleet.Connect("eu-1");
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kRevoked);
  fleet.Restart();
  fleet.Connect("eu-1");
  EXPECT_EQ(fleet.closed.at("eu-1")->reason, Goodbye::Reason::kRevoked)
      << "a revocation is durable";
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).clusters, 1);
}

TEST(Deletes, ASuspendedApplicationIsHeardOfAndReleasedWhenDeleted) {
  Ten fleet;
  Application web = fleet.MakeApplication("web");
  web.spec.deletion_policy = DeletionPolicy::kDelete;
  fleet.Apply(web);
  fleet.Settle();
  const uint64_t before = fleet.Find("web", "eu-1")->assignment.generation;
  ASSERT_OK(fleet.Do(command::Suspend{kWeb, "holiday"}).status());
  EXPECT_TRUE(fleet.Find("web", "eu-1")->assignment.options.suspend);
  EXPECT_EQ(fleet.Find("web", "eu-1")->assignment.generation, before + 1);
  EXPECT_EQ(ViewApplication(fleet.state, *fleet.state.FindApplication("shop/web")).state,
            ShownState::kSuspended);
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
}

std::vector<ObjectKey> OrphanKeys(const HubState& state, const std::string& cluster) {
  std::vector<ObjectKey> keys;
  for (const command::OrphanList& list : Orphans(state, cluster)) {
    EXPECT_EQ(list.application, "shop/web");
    keys.insert(keys.end(), list.objects.begin(), list.objects.end());
  }
  return keys;
}

TEST(Orphans, WhatAReleaseLeavesIsShownUntilItIsGone) {
  Ten fleet;
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  ASSERT_EQ(fleet.state.FindApplication("shop/web"), nullptr);
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10));
  fleet.Restart();
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10)) << "over a restart of the hub";
  EXPECT_THAT(fleet.state.quarantined, IsEmpty());
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10));

  // A hub that never heard of it learns it from the agent.
  fleet.state.clusters.at("eu-1").left.clear();
  fleet.Say("eu-1", fleet.Agent("eu-1").SayAll());
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10));
}

TEST(Release, AnAgentThatWasNotWaitedForIsAskedForAllAtItsReturn) {
  Ten fleet;
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::Delete{kWeb, command::Delete::Objects::kOrphan}).status());
  ASSERT_EQ(fleet.Find("web", "eu-1"), nullptr);
  const std::vector<HubMessage> first = fleet.Connect("eu-1");
  EXPECT_TRUE(std::any_of(first.begin(), first.end(), [](const HubMessage& message) {
    const auto* command = std::get_if<Command>(&message);
    return command != nullptr && std::holds_alternative<Command::Report>(command->action);
  })) << "it may hold deletes of what went";
}

TEST(Orphans, AReleaseNamesAsManyAsItsMessageTakes) {
  Ten fleet;
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  std::vector<ObjectKey>& orphans = fleet.state.clusters.at("eu-1").left.at("shop/web").orphans;
  orphans.clear();
  for (int i = 0; i < 60000; ++i) orphans.push_back(Key(absl::StrCat("c", 100000 + i)));
  fleet.Disconnect("eu-1");
  const Digest digest = KeyListDigest(orphans);
  ASSERT_OK_AND_ASSIGN(const ReplyBody reply,
                       fleet.Do(command::DeleteOrphans{{{"eu-1", "shop/web", digest}}}));
  const int requested = std::get<reply::OrphansRequested>(reply).requested;
  EXPECT_GT(requested, 10000);
  EXPECT_LT(requested, 50000) << "tombstones that an agent takes in one message";
  const Instance* web = fleet.Find("web", "eu-1");
  ASSERT_NE(web, nullptr);
  EXPECT_EQ(web->assignment.tombstones.size(), static_cast<size_t>(requested));
  EXPECT_EQ(web->assignment.approved, KeyListDigest(web->assignment.tombstones));
}

TEST(Orphans, WhatAReleaseLeftIsDeletedByName) {
  Ten fleet;
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  const std::vector<ObjectKey> all = OrphanKeys(fleet.state, "eu-1");
  const command::ShownOrphans others{"eu-1", "shop/web", KeyListDigest({Key("o1"), Key("o2")})};
  EXPECT_THAT(fleet.Do(command::DeleteOrphans{{others}}).status(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("look again")));
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::DeleteOrphans{{{"eu-1", "shop/web", KeyListDigest(all)}}}).status());
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10));
  fleet.Restart();
  fleet.Connect("eu-1");
  fleet.Settle();
  EXPECT_EQ(fleet.Agent("eu-1").deleted, all);
  EXPECT_EQ(fleet.Find("web", "eu-1"), nullptr);
  EXPECT_THAT(OrphanKeys(fleet.state, "us-1"), SizeIs(10));
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), IsEmpty());
  EXPECT_THAT(fleet.state.clusters.at("eu-1").left, IsEmpty());
}

TEST(Orphans, WhatThePlacementTakesBackIsNoOrphan) {
  Ten fleet;
  fleet.Apply(fleet.MakeApplication("web", {"us-1"}));
  fleet.Settle();
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10));
  fleet.Apply(fleet.MakeApplication("web"));
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), SizeIs(10)) << "until the agent says so";
  fleet.content["web"]["eu-1"] = fleet.First(9);
  fleet.Commit();
  fleet.Settle();
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), ElementsAre(Key("o9")));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Orphans, ARemovedClusterTakesItsRecordsAlong) {
  Ten fleet;
  ASSERT_OK(fleet.Do(command::Delete{kWeb}).status());
  fleet.Settle();
  ASSERT_OK(fleet.Do(command::RemoveCluster{"eu-1"}).status());
  fleet.Restart();
  EXPECT_THAT(fleet.state.quarantined, IsEmpty());
  EXPECT_THAT(OrphanKeys(fleet.state, "eu-1"), IsEmpty());
}

TEST(Orphans, GenerationsGoOnWhereAnAgentOfARemovedClusterIsEnrolledAgain) {
  Ten fleet;
  for (const char* value : {"2", "3", "4"}) {
    fleet.content["web"]["eu-1"] = Folder{{"a", value}};
    fleet.Commit();
    fleet.Settle();
  }
  fleet.Apply(fleet.MakeApplication("web", {"us-1"}));
  fleet.Settle();
  const uint64_t held = fleet.Agent("eu-1").left.at("shop/web").generation;
  fleet.Disconnect("eu-1");
  ASSERT_OK(fleet.Do(command::RemoveCluster{"eu-1"}).status());
  fleet.state.revoked.clear();  // It comes with another key.

  fleet.AddCluster("eu-1");
  fleet.Connect("eu-1");
  fleet.Settle();
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.Commit();
  fleet.Settle();
  ASSERT_TRUE(fleet.Agent("eu-1").applications.contains("shop/web"));
  EXPECT_GT(fleet.Agent("eu-1").applications.at("shop/web").generation, held);
  EXPECT_FALSE(fleet.Find("web", "eu-1")->refusal.has_value());
}

}  // namespace
}  // namespace lockstep
