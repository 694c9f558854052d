#include "agent/apply/plan.h"

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using Presence = Observation::Presence;
using testing::ElementsAre;
using testing::IsEmpty;

ObjectKey Key(absl::string_view kind, absl::string_view name, absl::string_view group = "") {
  return {std::string(group), std::string(kind), "shop", std::string(name)};
}

// One application's objects, built up line by line.
struct Scene {
  std::vector<ManifestEntry> desired;
  std::vector<ObjectKey> deletes;
  Inventory inventory;
  std::vector<Observation> seen;
  std::vector<Observation> seen_deletes;
  bool accept_foreign = false;

  Scene& Wants(const ObjectKey& key, absl::string_view text, Observation observation) {
    desired.push_back({key, Digest::Of(text)});
    observation.key = key;
    seen.push_back(observation);
    return *this;
  }
  Scene& Deletes(const ObjectKey& key, Observation observation) {
    deletes.push_back(key);
    observation.key = key;
    seen_deletes.push_back(observation);
    return *this;
  }
  Scene& Has(const ObjectKey& key, absl::string_view applied, absl::string_view uid = "") {
    inventory[key] = {std::string(uid), applied.empty() ? Digest() : Digest::Of(applied), {}};
    return *this;
  }
  ApplyPlan Plan() {
    std::vector<Observation> all = seen;
    all.insert(all.end(), seen_deletes.begin(), seen_deletes.end());
    return PlanApply({"shop/web", desired, deletes, inventory, all, accept_foreign});
  }
};

Observation Seen(Presence presence, absl::string_view uid = "", absl::string_view owner = "") {
  Observation seen;
  seen.presence = presence;
  seen.uid = std::string(uid);
  seen.owner = std::string(owner);
  seen.place = "file here";
  return seen;
}

std::vector<std::string> Names(const std::vector<PlannedWrite>& stage) {
  std::vector<std::string> names;
  for (const PlannedWrite& write : stage) names.push_back(write.key.name);
  return names;
}

TEST(PlanApply, AnEqualObjectGetsNoWrite) {
  const ApplyPlan plan = Scene()
                             .Has(Key("ConfigMap", "a"), "1")
                             .Wants(Key("ConfigMap", "a"), "1", Seen(Presence::kEqual))
                             .Plan();
  EXPECT_THAT(plan.write_stages, IsEmpty());
  EXPECT_THAT(plan.taken, IsEmpty());
}

TEST(PlanApply, AnEqualForeignObjectIsTakenOverWithoutAWrite) {
  const ApplyPlan plan =
      Scene().Wants(Key("ConfigMap", "a"), "1", Seen(Presence::kEqual, "u1")).Plan();
  EXPECT_THAT(plan.write_stages, IsEmpty());
  ASSERT_EQ(plan.taken.size(), 1);
  EXPECT_EQ(plan.taken[0].entry, (InventoryEntry{"u1", Digest::Of("1"), {}}));
}

TEST(PlanApply, AForeignObjectStopsAllThatIsNew) {
  Scene scene;
  scene.Wants(Key("ConfigMap", "foreign"), "1", Seen(Presence::kDifferent))
      .Wants(Key("ConfigMap", "new"), "1", Seen(Presence::kAbsent))
      .Has(Key("ConfigMap", "drifted"), "1")
      .Wants(Key("ConfigMap", "drifted"), "1", Seen(Presence::kDifferent))
      .Has(Key("ConfigMap", "old"), "1")
      .Deletes(Key("ConfigMap", "old"), Seen(Presence::kDifferent));
  const ApplyPlan plan = scene.Plan();
  ASSERT_EQ(plan.foreign.size(), 1);
  EXPECT_EQ(plan.foreign[0].place, "file here");
  ASSERT_EQ(plan.write_stages.size(), 1);
  EXPECT_THAT(Names(plan.write_stages[0]), ElementsAre("drifted"));
  EXPECT_THAT(plan.delete_stages, IsEmpty());
}

TEST(PlanApply, AForeignObjectIsReplacedOnceAPersonAcceptedIt) {
  Scene scene;
  scene.accept_foreign = true;
  const ApplyPlan plan =
      scene.Wants(Key("ConfigMap", "foreign"), "1", Seen(Presence::kDifferent)).Plan();
  EXPECT_THAT(plan.foreign, IsEmpty());
  EXPECT_THAT(Names(plan.write_stages.at(0)), ElementsAre("foreign"));
}

TEST(PlanApply, ContentThatWeSetOutToWriteIsOurs) {
  Scene scene;
  Observation seen = Seen(Presence::kDifferent);
  seen.content = Digest::Of("1");
  scene.inventory[Key("ConfigMap", "a")] = {"", Digest(), {Digest::Of("1"), Digest::Of("2")}};
  const ApplyPlan plan = scene.Wants(Key("ConfigMap", "a"), "2", seen).Plan();
  EXPECT_THAT(plan.foreign, IsEmpty());
  EXPECT_THAT(Names(plan.write_stages.at(0)), ElementsAre("a"));
}

TEST(PlanApply, AnIntentAloneDoesNotMakeAForeignObjectOurs) {
  Scene scene;
  Observation seen = Seen(Presence::kDifferent);
  seen.content = Digest::Of("theirs");
  scene.inventory[Key("ConfigMap", "a")] = {"", Digest(), {Digest::Of("1")}};
  EXPECT_EQ(scene.Wants(Key("ConfigMap", "a"), "1", seen).Plan().foreign.size(), 1);
}

TEST(PlanApply, DriftIsToldFromAnUpdate) {
  const ApplyPlan plan = Scene()
                             .Has(Key("ConfigMap", "drifted"), "1")
                             .Wants(Key("ConfigMap", "drifted"), "1", Seen(Presence::kAbsent))
                             .Has(Key("ConfigMap", "updated"), "1")
                             .Wants(Key("ConfigMap", "updated"), "2", Seen(Presence::kDifferent))
                             .Plan();
  ASSERT_EQ(plan.write_stages.at(0).size(), 2);
  EXPECT_TRUE(plan.write_stages[0][0].drifted);
  EXPECT_TRUE(plan.write_stages[0][0].missing);
  EXPECT_FALSE(plan.write_stages[0][1].drifted);
}

TEST(PlanApply, WritesByStageAndDeletesTheOtherWayRound) {
  Scene scene;
  const ObjectKey keys[] = {
      Key("ConfigMap", "rest"), Key("StorageClass", "class", "storage.k8s.io"),
      Key("Namespace", "namespace"), Key("CustomResourceDefinition", "crd", "apiextensions.k8s.io"),
      Key("ClusterRole", "role", "rbac.authorization.k8s.io")};
  for (const ObjectKey& key : keys) {
    scene.Wants(key, "1", Seen(Presence::kAbsent));
    ObjectKey old = key;
    old.name += "-old";
    scene.Has(old, "1").Deletes(old, Seen(Presence::kDifferent));
  }
  const ApplyPlan plan = scene.Plan();
  ASSERT_EQ(plan.write_stages.size(), 3);
  EXPECT_THAT(Names(plan.write_stages[0]), ElementsAre("namespace", "crd", "role"));
  EXPECT_THAT(Names(plan.write_stages[1]), ElementsAre("class"));
  EXPECT_THAT(Names(plan.write_stages[2]), ElementsAre("rest"));
  ASSERT_EQ(plan.delete_stages.size(), 3);
  EXPECT_EQ(plan.delete_stages[0][0].key.name, "rest-old");
  EXPECT_EQ(plan.delete_stages[1][0].key.name, "class-old");
  EXPECT_EQ(plan.delete_stages[2].size(), 3);
}

TEST(PlanApply, G06DeletesOnlyWhatTheInventoryNamesWithTheSameUidAndOwner) {
  const ApplyPlan plan =
      Scene()
          .Deletes(Key("ConfigMap", "unknown"), Seen(Presence::kDifferent, "u", "shop/web"))
          .Has(Key("ConfigMap", "other-uid"), "1", "u1")
          .Deletes(Key("ConfigMap", "other-uid"), Seen(Presence::kDifferent, "u2", "shop/web"))
          .Has(Key("ConfigMap", "other-owner"), "1", "u1")
          .Deletes(Key("ConfigMap", "other-owner"), Seen(Presence::kDifferent, "u1", "shop/other"))
          .Has(Key("ConfigMap", "never-written"), "")
          .Deletes(Key("ConfigMap", "never-written"), Seen(Presence::kDifferent))
          .Has(Key("ConfigMap", "gone"), "1")
          .Deletes(Key("ConfigMap", "gone"), Seen(Presence::kAbsent))
          .Has(Key("ConfigMap", "ours"), "1", "u1")
          .Deletes(Key("ConfigMap", "ours"), Seen(Presence::kDifferent, "u1", "shop/web"))
          .Plan();
  ASSERT_EQ(plan.delete_stages.size(), 1);
  ASSERT_EQ(plan.delete_stages[0].size(), 1);
  EXPECT_EQ(plan.delete_stages[0][0].key.name, "ours");
  EXPECT_EQ(plan.delete_stages[0][0].uid, "u1");
  EXPECT_EQ(plan.gone.size(), 5);
}

}  // namespace
}  // namespace lockstep
