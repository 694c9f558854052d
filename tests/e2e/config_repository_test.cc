// A hub whose resources come from Git alone (RESOURCES, From Git), on the real programs.

#include <string>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

std::string Folder(const std::string& application) { return application + "/map.yaml"; }
std::string File(const std::string& application) { return "fleet/" + application + ".yaml"; }
std::string TargetFile(const std::string& map) {
  return absl::StrCat("shop/ConfigMap/", map, ".yaml");
}

/// One hub with the folder fleet/ of its repository as its resources, and the cluster eu-1.
class ConfigRepositoryTest : public ::testing::Test {
 protected:
  ConfigRepositoryTest()
      : fleet_(
            {.serve = {"--config-repository", repository_.FileUrl(), "--config-path", "fleet"}}) {}

  // The repository holds the GitRepository and `applications`, each with one ConfigMap.
  void Start(const std::vector<std::string>& applications) {
    std::map<std::string, std::string> files = {
        {"fleet/repository.yaml", RepositoryManifest(repository_.FileUrl())}};
    for (const std::string& name : applications) {
      files[File(name)] = ApplicationManifest(name, name);
      files[Folder(name)] = ConfigMap(name, "first");
    }
    commit_ = repository_.Commit(files);
    ASSERT_OK(fleet_.StartHub());
    ASSERT_OK(fleet_.Join("eu-1"));
    ASSERT_OK(Sync());
    for (const std::string& name : applications) {
      ASSERT_OK(fleet_.WaitState(name, "eu-1", "Synced"));
    }
  }

  // Has the hub look at its resources, and at what the applications are of.
  absl::Status Sync() {
    LOCKSTEP_RETURN_IF_ERROR(fleet_.SyncRepository("config", "lockstep-system").status());
    return fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      const Said said = fleet_.Lockstep({"sync", "gitrepository", "fleet"});
      return said.exit_code == 0 || !absl::StrContains(said.err, "does not exist");
    });
  }

  absl::Status WaitGone(const std::string& application) {
    return fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      return absl::IsNotFound(fleet_.GetApplication(application).status());
    });
  }

  // Until `lockstep events` tells of `reason`; its lines.
  absl::StatusOr<std::string> WaitEvent(const std::string& reason) {
    std::string lines;
    LOCKSTEP_RETURN_IF_ERROR(fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      lines = fleet_.Lockstep({"events"}).out;
      return absl::StrContains(lines, reason);
    }));
    return lines;
  }

  std::map<std::string, std::string> Files() { return TargetFiles(fleet_.target("eu-1")); }

  TestRepository repository_;
  Fleet fleet_;
  std::string commit_;
};

TEST_F(ConfigRepositoryTest, ACommitAddsAndChangesAndTheCommandLineIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Start({"web"}));
  EXPECT_THAT(Files(), ElementsAre(Key(TargetFile("web"))));

  // What Git holds is changed there.
  const std::string manifest = fleet_.directory() + "/web.yaml";
  ASSERT_OK(WriteFileAtomic(manifest, ApplicationManifest("web", "other"), Durability::kNone));
  Said said = fleet_.Lockstep({"apply", "-f", manifest});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_THAT(said.err, AllOf(HasSubstr("Application default/web"), HasSubstr(File("web"))));
  said = fleet_.Lockstep({"delete", "application", "web", "--yes"});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_THAT(said.err, HasSubstr(File("web")));

  // A commit adds an application and leads the other one elsewhere.
  repository_.Commit({{File("shop"), ApplicationManifest("shop", "shop")},
                      {Folder("shop"), ConfigMap("shop", "first")},
                      {File("web"), ApplicationManifest("web", "shop-front")},
                      {Folder("shop-front"), ConfigMap("web", "second")}});
  ASSERT_OK(Sync());
  ASSERT_OK(fleet_.WaitState("shop", "eu-1", "Synced"));
  ASSERT_OK(
      WaitForFile(fleet_.target("eu-1") + "/" + TargetFile("web"),
                  [](bool, const std::string& now) { return absl::StrContains(now, "second"); }));
  EXPECT_THAT(Files(), ElementsAre(Key(TargetFile("shop")), Key(TargetFile("web"))));
}

TEST_F(ConfigRepositoryTest, ABrokenFileIsNamedAndLeavesWhatRanWhileOthersGoOn) {
  ASSERT_NO_FATAL_FAILURE(Start({"shop", "web"}));
  const auto before = TargetWrites(fleet_.target("eu-1"));
  // With any error nothing is deleted: the file of the shop is gone, and the shop stays.
  repository_.Commit({{File("web"), ApplicationManifest("web", "web") + "  paths: none\n"},
                      {File("news"), ApplicationManifest("news", "news")},
                      {Folder("news"), ConfigMap("news", "first")}},
                     {File("shop")});
  ASSERT_OK(Sync());
  ASSERT_OK(fleet_.WaitState("news", "eu-1", "Synced"));
  ASSERT_OK_AND_ASSIGN(const std::string events, WaitEvent("ConfigErrors"));
  const Said shown = fleet_.Lockstep({"get", "gitrepository", "lockstep-system/config"});
  EXPECT_THAT(shown.out + events, HasSubstr(File("web") + ":9:"));
  EXPECT_THAT(shown.out, HasSubstr("spec.paths"));
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  ASSERT_OK(fleet_.WaitState("shop", "eu-1", "Synced"));
  auto after = TargetWrites(fleet_.target("eu-1"));
  after.erase(TargetFile("news"));
  EXPECT_EQ(after, before);

  // Mended, the revision counts whole: the shop goes, and by its deletionPolicy its objects stay.
  repository_.Commit({{File("web"), ApplicationManifest("web", "web")}});
  ASSERT_OK(Sync());
  ASSERT_OK(WaitGone("shop"));
  EXPECT_THAT(Files(), ElementsAre(Key(TargetFile("news")), Key(TargetFile("shop")),
                                   Key(TargetFile("web"))));
}

TEST_F(ConfigRepositoryTest, ManyThatVanishAtOnceWaitForAPerson) {
  const std::vector<std::string> many = {"a", "b", "c", "d", "e", "f", "g"};
  ASSERT_NO_FATAL_FAILURE(Start(many));
  const auto before = TargetWrites(fleet_.target("eu-1"));
  std::vector<std::string> files;
  for (const std::string& name : many) files.push_back(File(name));
  repository_.Commit({}, files);
  ASSERT_OK(Sync());
  ASSERT_OK(WaitEvent("ConfigHeld").status());
  ASSERT_OK_AND_ASSIGN(const std::vector<v1::Application> held, fleet_.ListApplications());
  EXPECT_EQ(held.size(), many.size());

  const Said said = fleet_.Lockstep({"approve", "--config", "--yes"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  for (const std::string& name : many) ASSERT_OK(WaitGone(name));
  EXPECT_EQ(TargetWrites(fleet_.target("eu-1")), before);
}

TEST_F(ConfigRepositoryTest, AnEmptyFolderDeletesNothing) {
  ASSERT_NO_FATAL_FAILURE(Start({"web"}));
  repository_.Commit({}, {"fleet"});
  EXPECT_OK(fleet_.SyncRepository("config", "lockstep-system"));
  const Said shown = fleet_.Lockstep({"get", "gitrepository", "lockstep-system/config"});
  EXPECT_THAT(shown.out, HasSubstr("False"));
  EXPECT_OK(fleet_.GetApplication("web"));
  EXPECT_THAT(Files(), ElementsAre(Key(TargetFile("web"))));
}

}  // namespace
}  // namespace lockstep
