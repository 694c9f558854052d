#include "tests/e2e/small_fleet.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "tests/testing/status.h"

namespace lockstep {

using ::testing::ElementsAre;
using ::testing::Key;

std::string ConfigMap(absl::string_view name, absl::string_view value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name,
                      ", namespace: shop}\ndata: {key: ", value, "}\n");
}

std::string RepositoryManifest(absl::string_view url) {
  return absl::StrCat(
      "---\napiVersion: lockstep.dev/v1\nkind: GitRepository\nmetadata: {name: fleet}\nspec:\n",
      "  url: ", url, "\n  interval: 1h\n");
}

std::string ApplicationManifest(absl::string_view name, absl::string_view path) {
  return absl::StrCat(
      "---\napiVersion: lockstep.dev/v1\nkind: Application\nmetadata: {name: ", name,
      "}\nspec:\n  sourceRef: {kind: GitRepository, name: fleet}\n  path: ", path,
      "\n  placement: {selector: {}}\n");
}

void SmallFleetTest::SetUp() {
  commit_ = repository_.Commit(
      {{"web/one.yaml", ConfigMap("one", "first")}, {"web/two.yaml", ConfigMap("two", "first")}});
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.Join("eu-1"));
  ASSERT_OK(
      fleet_.Apply(RepositoryManifest(repository_.FileUrl()) + ApplicationManifest("web", "web")));
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  ASSERT_THAT(TargetFiles(fleet_.target("eu-1")), ElementsAre(Key(kOne), Key(kTwo)));
}

absl::Status SmallFleetTest::Change(const std::string& value) {
  commit_ = repository_.Commit({{"web/one.yaml", ConfigMap("one", value)}});
  return fleet_.SyncRepository("fleet").status();
}

absl::Status SmallFleetTest::EditAndWait() {
  const std::string path = fleet_.target("eu-1") + "/" + kOne;
  LOCKSTEP_RETURN_IF_ERROR(WriteFileAtomic(path, One() + "edited: yes\n", Durability::kNone));
  return WaitForFile(path, [&](bool there, const std::string& now) {
    return there && !absl::StrContains(now, "edited");
  });
}

absl::Status SmallFleetTest::WaitAgentSays(absl::string_view text) {
  return WaitForFile(fleet_.logs() + "/agent-eu-1.log",
                     [&](bool, const std::string& log) { return absl::StrContains(log, text); });
}

void SmallFleetTest::Copy(const std::string& from, const std::string& to) {
  ASSERT_OK(RemoveTree(to));
  ASSERT_EQ(RunProgram({.arguments = {"cp", "-a", from, to}}).exit_code, 0);
}

}  // namespace lockstep
