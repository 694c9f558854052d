#include "agent/core/deletes.h"

#include "common/bundle/guard.h"
#include "common/bundle/key_list.h"
#include "tests/testing/agent_world.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr char kWeb[] = "shop/web";
constexpr char kApi[] = "shop/api";

Texts Numbered(int from, int to) {
  Texts texts;
  for (int i = from; i < to; ++i) texts[absl::StrCat("n", 100 + i)] = "1";
  return texts;
}

// Sends the same content again with an approval of what is held.
void Approve(AgentWorld& world, const std::string& name, const Texts& texts) {
  ApplicationTarget target = world.Target(name, texts);
  target.approved = KeyListDigest(world.report(name).held);
  world.SendTargets({target});
}

TEST(Deletes, G06WhatADeltaRemovesIsDeleted) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(2, 10));
  EXPECT_THAT(world.There(), SizeIs(8));
  EXPECT_EQ(world.target.deletes(), 2);
  EXPECT_THAT(world.InventoryOf(kWeb), SizeIs(8));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
  EXPECT_EQ(world.report(kWeb).deletes, 2);
}

TEST(Deletes, G06NothingIsDeletedForAbsenceFromAFullManifest) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.sent.erase(kWeb);  // The hub sends everything anew.
  world.SendTexts(kWeb, Numbered(2, 10));
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(2));
}

TEST(Deletes, G06NothingIsDeletedWithoutTheCompleteFlag) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  ApplicationTarget target = world.Target(kWeb, Numbered(2, 10));
  target.complete = false;
  world.SendTargets({target});
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(2));
}

TEST(Deletes, WhatIsTooMuchForOneListIsNoDelete) {
  DeleteUpdate update;
  for (int i = 0; i < 70000; ++i)
    update.removed.push_back(TextKey(absl::StrCat(std::string(240, 'n'), 100000 + i)));
  update.inventory = update.removed;
  update.objects_before = update.removed.size();
  ApplicationRecord next;
  next.options.prune = true;
  MergeDeletes(update, &next);
  EXPECT_TRUE(next.held);
  EXPECT_LE(KeyListBytes(next.tombstones), kKeyListBytesMax);
  EXPECT_GT(next.tombstones.size(), 50000u);
  EXPECT_LT(next.tombstones.size(), update.removed.size());
}

TEST(Deletes, WithoutPruneWhatLeftGitStaysAnOrphan) {
  AgentWorld world;
  ApplicationOptions options;
  options.prune = false;
  world.SendTexts(kWeb, Numbered(0, 10), options);
  world.SendTexts(kWeb, Numbered(1, 10), options);
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(1));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Deletes, OrphansAreDeletedByName) {
  AgentWorld world;
  ApplicationOptions options;
  options.prune = false;
  world.SendTexts(kWeb, Numbered(0, 10), options);
  world.SendTexts(kWeb, Numbered(1, 10), options);
  ApplicationTarget target = world.Target(kWeb, Numbered(1, 10), options);
  target.tombstones = {TextKey("n100"), TextKey("unknown")};
  world.SendTargets({target});
  EXPECT_EQ(world.target.deletes(), 1);
  EXPECT_THAT(world.report(kWeb).orphans, IsEmpty());
}

TEST(Deletes, G01OnlyTheDeletesWaitForAPerson) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  Texts next = Numbered(6, 10);
  next["new"] = "1";
  world.SendTexts(kWeb, next);
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_TRUE(world.There().contains("new"));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kHeld);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(6));
  Approve(world, kWeb, next);
  EXPECT_EQ(world.target.deletes(), 6);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Deletes, G05AProtectedKindWaits) {
  EXPECT_TRUE(WeighDeletes({{"", "Namespace", "", "shop"}}, 1000).held);
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 1));
  world.SendTexts(kWeb, {});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kHeld);  // Everything, however few.
  EXPECT_THAT(world.There(), SizeIs(1));
}

TEST(Deletes, G01AnApprovalOfAnotherListDoesNotCount) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(6, 10));
  const Digest old_list = KeyListDigest(world.report(kWeb).held);
  world.SendTexts(kWeb, Numbered(7, 10));
  ApplicationTarget target = world.Target(kWeb, Numbered(7, 10));
  target.approved = old_list;
  world.SendTargets({target});
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(7));
}

TEST(Deletes, G01HeldTombstonesAccumulateAndTheWholeListIsWeighed) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 20));
  world.SendTexts(kWeb, Numbered(6, 20));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kHeld);
  world.SendTexts(kWeb, Numbered(7, 20));  // One more, which alone would be free.
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(7));
}

TEST(Deletes, G01GrowthDoesNotFreeAHeldList) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(6, 10));
  world.SendTexts(kWeb, Numbered(6, 200));
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kHeld);
}

TEST(Deletes, WhatIsNamedAgainLeavesTheHeldList) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(6, 10));
  world.target.ResetCounters();
  world.SendTexts(kWeb, Numbered(0, 10));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
  EXPECT_EQ(world.target.deletes() + world.target.writes(), 0);
}

TEST(Deletes, G01HeldTombstonesSurviveARestart) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(6, 10));
  world.Restart(/*power_lost=*/true);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kHeld);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(6));
  EXPECT_EQ(world.target.deletes(), 0);
}

TEST(Deletes, G18AnObjectThatMovesToAnotherApplicationIsNeitherDeletedNorWritten) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.target.ResetCounters();
  world.SendTargets({world.Target(kWeb, Numbered(1, 10)), world.Target(kApi, Numbered(0, 1))});
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.There(), SizeIs(10));
  EXPECT_THAT(world.InventoryOf(kApi), ElementsAre("n100"));
  EXPECT_THAT(world.InventoryOf(kWeb), SizeIs(9));
  EXPECT_EQ(world.report(kApi).state, ApplicationState::kSynced);
}

TEST(Deletes, G18AHeldTombstoneIsDroppedWhenAnotherApplicationNamesTheObject) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(6, 10));
  world.SendTexts(kApi, Numbered(0, 6));
  EXPECT_THAT(world.report(kWeb).held, IsEmpty());
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
  EXPECT_EQ(world.target.deletes(), 0);
}

TEST(Deletes, G01AnEmptiedApplicationWaitsAlsoWhereMostOfItWasHandedOver) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 20));
  world.SendTargets({world.Target(kWeb, {}), world.Target(kApi, Numbered(0, 17))});
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(3));
  EXPECT_THAT(world.report(kWeb).message, testing::HasSubstr("3 of 3 objects would be deleted"));
  Approve(world, kWeb, {});
  EXPECT_EQ(world.target.deletes(), 3);
}

TEST(Deletes, G18ADeleteUnderWayEndsBeforeTheNewOwnerBegins) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.hold_runs = true;
  world.SendTexts(kWeb, Numbered(1, 10));  // Its delete waits in a run.
  world.SendTexts(kApi, Numbered(0, 1));
  ASSERT_THAT(world.runs, SizeIs(1));  // The new owner's run waits for the old one's end.
  world.RunNext();
  while (!world.runs.empty()) world.RunNext();
  EXPECT_THAT(world.There(), SizeIs(10));
  EXPECT_EQ(world.report(kApi).state, ApplicationState::kSynced);
}

TEST(Deletes, ADeleteThatFailsIsTriedAgain) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.target.set_fault([](MemoryTarget::Call call, const ObjectKey&) {
    return call == MemoryTarget::Call::kDelete ? absl::UnavailableError("busy") : absl::OkStatus();
  });
  world.SendTexts(kWeb, Numbered(1, 10));
  EXPECT_EQ(world.report(kWeb).reason, "Retrying");
  world.target.set_fault(nullptr);
  world.Fire({TimerId::Kind::kReconcile, kWeb});
  EXPECT_EQ(world.target.deletes(), 1);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Release, OrphanLeavesTheObjectsAndStopsCorrecting) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.target.ResetCounters();
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kOrphan)});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(3));
  EXPECT_FALSE(world.watched.contains(kWeb));
  world.target.DeleteForeign(TextKey("n100"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("n100")}});
  EXPECT_EQ(world.target.writes() + world.target.deletes(), 0);
  EXPECT_TRUE(RootOf(world.state.durable).IsZero());
}

TEST(Release, OrphanDropsDeletesThatWereNotCarriedOut) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 8));
  world.SendTexts(kWeb, Numbered(7, 8));
  ASSERT_THAT(world.report(kWeb).held, SizeIs(7));
  const Digest list = KeyListDigest(world.report(kWeb).held);
  ApplicationTarget release = world.Release(kWeb, ReleaseObjects::kOrphan);
  release.approved = list;
  world.SendTargets({release});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.There(), SizeIs(8));
}

TEST(Release, OrphanEndsDeletesThatWereAskedForBefore) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kOrphan)});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  EXPECT_THAT(world.There(), SizeIs(3));
}

TEST(Release, WhatAHandOverLeavesOfTheListIsStillEverything) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 6));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  ASSERT_THAT(world.report(kWeb).held, SizeIs(6));
  world.SendTexts("shop/api", Numbered(0, 1));
  EXPECT_EQ(world.report(kWeb).reason, "DeletesHeld");
  EXPECT_THAT(world.report(kWeb).held, SizeIs(5));
  EXPECT_EQ(world.target.deletes(), 0);
}

TEST(Release, PlacedAgainItsObjectsAreTakenUpWithoutAWrite) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kOrphan)});
  world.target.ResetCounters();
  world.SendTexts(kWeb, Numbered(0, 3));
  EXPECT_EQ(world.target.writes(), 0);
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Release, G14OrphanDropsTheDeletesThatWereDue) {
  AgentWorld world;
  ApplicationOptions suspended;
  suspended.suspend = true;
  world.SendTexts(kWeb, Numbered(0, 10), suspended);
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTexts(kWeb, Numbered(2, 10), suspended);
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kOrphan)});
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.There(), SizeIs(10));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
}

TEST(Release, PlacedAgainAfterADeleteItIsAppliedAnew) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  ApplicationTarget approved = world.Release(kWeb, ReleaseObjects::kDelete);
  approved.approved = KeyListDigest(world.report(kWeb).held);
  world.SendTargets({approved});
  ASSERT_THAT(world.There(), IsEmpty());
  world.SendTexts(kWeb, Numbered(0, 3));
  EXPECT_THAT(world.There(), SizeIs(3));
  EXPECT_THAT(world.InventoryOf(kWeb), SizeIs(3));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Release, DeleteWaitsForAPersonAndCorrectsUntilThen) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kDeleting);
  EXPECT_THAT(world.report(kWeb).held, SizeIs(3));
  world.target.DeleteForeign(TextKey("n100"));
  world.Post(agent_event::TargetChanged{kWeb, {TextKey("n100")}});
  EXPECT_THAT(world.There(), SizeIs(3));

  ApplicationTarget approved = world.Release(kWeb, ReleaseObjects::kDelete);
  approved.approved = KeyListDigest(world.report(kWeb).held);
  world.SendTargets({approved});
  EXPECT_THAT(world.There(), IsEmpty());
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  world.Receive(StatusAck{world.statuses.back().seq});
  EXPECT_THAT(world.state.durable.applications, IsEmpty());
}

TEST(Release, G06AListThatWaitedIsOffWhenTheApplicationReturns) {
  AgentWorld world;
  ApplicationOptions keeps;
  keeps.prune = false;
  world.SendTexts(kWeb, Numbered(0, 10), keeps);
  world.SendTexts(kWeb, Numbered(2, 10), keeps);
  world.SendTexts(kWeb, Numbered(2, 10));  // Prunes from now on; the two orphans stay.
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  ASSERT_THAT(world.report(kWeb).held, SizeIs(10));
  world.SendTexts(kWeb, Numbered(2, 10));
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.There(), SizeIs(10));
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(2));
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kSynced);
}

TEST(Release, G06AnApprovalOfTheWholeListIsOffWhenTheApplicationReturns) {
  AgentWorld world;
  world.SendTexts(kWeb, Numbered(0, 10));
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  ApplicationTarget approved = world.Release(kWeb, ReleaseObjects::kDelete);
  approved.approved = KeyListDigest(world.report(kWeb).held);
  world.hold_runs = true;
  world.SendTargets({approved});
  world.runs.clear();  // Killed before the first delete.
  world.SendTexts(kWeb, Numbered(0, 3));
  world.hold_runs = false;
  world.Restart();
  EXPECT_EQ(world.target.deletes(), 0);
  EXPECT_THAT(world.report(kWeb).orphans, SizeIs(7));
}

TEST(Release, ASuspendedApplicationIsLetGoAsItIs) {
  AgentWorld world;
  ApplicationOptions options;
  options.suspend = true;
  world.SendTexts(kWeb, Numbered(0, 3));
  world.SendTexts(kWeb, Numbered(0, 3), options);
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kDelete)});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  EXPECT_EQ(world.target.deletes(), 0);
}

TEST(Release, AnUnknownApplicationIsReportedReleased) {
  AgentWorld world;
  world.SendTargets({world.Release(kWeb, ReleaseObjects::kOrphan)});
  EXPECT_EQ(world.report(kWeb).state, ApplicationState::kReleased);
  world.Receive(StatusAck{world.statuses.back().seq});
  EXPECT_THAT(world.state.durable.applications, IsEmpty());
}

}  // namespace
}  // namespace lockstep
