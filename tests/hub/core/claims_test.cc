// Objects that two applications claim: SECURITY G-17 and G-18.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hub/rollup/rollup.h"
#include "tests/hub/core/fleet_harness.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// Two applications on one cluster; "base" holds x.
struct Claims : Fleet {
  Claims() {
    AddCluster("eu-1");
    AddRepository();
    AddRepository("other");
    Apply(MakeApplication("base"));
    content["base"]["eu-1"] = Folder{{"x", "1"}, {"y", "1"}};
    Connect("eu-1");
    Commit();
    Settle();
  }

  void AddWeb(const std::string& repository = "fleet") {
    content["web"]["eu-1"] = Folder{{"x", "1"}, {"w", "1"}};
    Apply(MakeApplication("web", {}, repository));
    Commit(repository);
    Settle();
  }
  std::set<std::string> Held() {
    std::set<std::string> names;
    for (const auto& [name, application] : Agent("eu-1").applications) {
      for (const ManifestEntry& entry : application.manifest->entries()) {
        names.insert(absl::StrCat(name, ":", entry.key.name));
      }
    }
    return names;
  }
  InstanceView View(const std::string& name) {
    return ViewInstance(state, *state.FindApplication(absl::StrCat("shop/", name)), "eu-1",
                        Find(name, "eu-1"));
  }
};

TEST(Claims, G17TheHolderKeepsRunningAndTheNewcomerNamesBothFiles) {
  Claims fleet;
  fleet.AddWeb();
  EXPECT_EQ(fleet.Held(), (std::set<std::string>{"shop/base:x", "shop/base:y"}));
  EXPECT_EQ(fleet.View("web").state, ShownState::kStalled);
  EXPECT_THAT(fleet.View("web").message,
              AllOf(HasSubstr("apps/web/eu-1/x.yaml"), HasSubstr("apps/base/eu-1/x.yaml")));
  EXPECT_EQ(fleet.View("base").state, ShownState::kSynced);
}

TEST(Claims, G18AClaimIsRememberedUntilTheHolderDropsTheObject) {
  Claims fleet;
  fleet.AddWeb("other");
  fleet.desired_sent = 0;
  fleet.content["base"]["eu-1"] = Folder{{"y", "1"}};
  fleet.Commit();
  const std::vector<HubMessage> sent = fleet.TakeSent("eu-1");
  ASSERT_EQ(sent.size(), 1);
  EXPECT_EQ(std::get<Desired>(sent[0]).applications.size(), 2)
      << "both travel together, whatever their repositories";
  for (auto& answer : fleet.Agent("eu-1").Take(std::get<Desired>(sent[0])))
    fleet.Say("eu-1", std::move(answer));
  EXPECT_EQ(fleet.Held(), (std::set<std::string>{"shop/base:y", "shop/web:w", "shop/web:x"}));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(fleet.View("web").state, ShownState::kSynced);
}

TEST(Claims, G18AClaimIsRememberedOverARestart) {
  Claims fleet;
  fleet.AddWeb("other");
  fleet.Restart();
  fleet.Connect("eu-1");
  fleet.content["base"]["eu-1"] = Folder{{"y", "1"}};
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), (std::set<std::string>{"shop/base:y", "shop/web:w", "shop/web:x"}));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Claims, G18ADeletedHolderHandsOver) {
  Claims fleet;
  fleet.AddWeb();
  Application base = fleet.MakeApplication("base");
  base.spec.deletion_policy = DeletionPolicy::kDelete;
  fleet.Apply(base);
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "base"}}).status());
  fleet.Settle();
  EXPECT_TRUE(fleet.Agent("eu-1").applications.at("shop/web").manifest->Find(Key("x")) != nullptr);
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
  EXPECT_EQ(fleet.View("base").held_objects, std::vector<ObjectKey>{Key("y")})
      << "x was handed over, y waits";
}

TEST(Claims, G18AnUnplacedHolderHandsOver) {
  Claims fleet;
  fleet.AddWeb();
  fleet.AddCluster("us-1");
  fleet.Apply(fleet.MakeApplication("base", {"us-1"}));
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), (std::set<std::string>{"shop/web:w", "shop/web:x"}));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

TEST(Claims, G17OfTwoNewcomersNeitherIsAppliedUntilOneGivesWay) {
  Claims fleet;
  fleet.content["p"]["eu-1"] = Folder{{"z", "1"}};
  fleet.content["q"]["eu-1"] = Folder{{"z", "2"}};
  ASSERT_OK(fleet.TryApply({fleet.MakeApplication("p"), fleet.MakeApplication("q")}));
  fleet.Commit();
  fleet.Settle();
  EXPECT_FALSE(fleet.Agent("eu-1").applications.contains("shop/p"));
  EXPECT_FALSE(fleet.Agent("eu-1").applications.contains("shop/q"));
  ASSERT_OK(fleet.Do(command::Delete{{ResourceKind::kApplication, "shop", "q"}}).status());
  fleet.Settle();
  EXPECT_TRUE(fleet.Agent("eu-1").applications.contains("shop/p"));
}

TEST(Claims, G17AHolderDoesNotLoseWhatARefusedCandidateClaims) {
  Claims fleet;
  // web claims x and also v, which "third" keeps.
  fleet.content["third"]["eu-1"] = Folder{{"v", "1"}};
  fleet.Apply(fleet.MakeApplication("third"));
  fleet.content["web"]["eu-1"] = Folder{{"x", "1"}, {"v", "1"}};
  fleet.Commit();
  fleet.Apply(fleet.MakeApplication("web"));
  fleet.content["base"]["eu-1"] = Folder{{"y", "2"}};
  fleet.Commit();
  fleet.Settle();
  EXPECT_EQ(fleet.Held(), (std::set<std::string>{"shop/base:x", "shop/base:y", "shop/third:v"}));
  EXPECT_THAT(fleet.Agent("eu-1").deleted, IsEmpty());
}

}  // namespace
}  // namespace lockstep
