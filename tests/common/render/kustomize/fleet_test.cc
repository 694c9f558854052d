// Builds every folder of a real fleet: see ../shared/corpus/fleets/README.md.

#include <filesystem>
#include <map>
#include <string>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/common/render/kustomize/build_fixture.h"
#include "tests/common/render/kustomize/corpus.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

namespace fs = std::filesystem;

class KustomizeFleet : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kFleet)) GTEST_SKIP() << kFleet << " is not here";
    AddFolder(absl::StrCat(kFleet, "/tree"), &snapshot_);
    ASSERT_OK_AND_ASSIGN(index_,
                         ReadJson(ReadText(absl::StrCat(kFleet, "/index.json")), "index.json"));
  }

  MapSnapshot snapshot_{TestCommit()};
  FileCache cache_;
  Value index_;
};

TEST_F(KustomizeFleet, PrintsWhatKustomizePrintsByteForByte) {
  const std::map<std::string, std::string> expected =
      ReadTarGz(absl::StrCat(kFleet, "/expected.tar.gz"));
  const Value& folders = *index_.Find("built");
  EXPECT_EQ(folders.AsObject().size(), 930U);
  for (const Object::Member& folder : folders.AsObject()) {
    const absl::StatusOr<BuildResult> built = Build(snapshot_, folder.key, {}, &cache_);
    ASSERT_OK(built) << folder.key;
    const auto want = expected.find(absl::StrCat(folder.value.AsString(), ".yaml"));
    ASSERT_NE(want, expected.end()) << folder.key;
    EXPECT_TRUE(WriteResources(built->resources).value() == want->second) << folder.key;
  }
}

TEST_F(KustomizeFleet, RefusesWhatKustomizeRefusesNamingAFile) {
  const Value& folders = *index_.Find("refused");
  EXPECT_EQ(folders.AsObject().size(), 360U);
  for (const Object::Member& folder : folders.AsObject()) {
    const absl::StatusOr<BuildResult> built = Build(snapshot_, folder.key, {}, &cache_);
    ASSERT_FALSE(built.ok()) << folder.key;
    const std::string message(built.status().message());
    const std::string file = message.substr(0, message.find(':'));
    EXPECT_TRUE(snapshot_.Find(file).ok()) << folder.key << ": " << message;
  }
}

}  // namespace
}  // namespace lockstep::kustomize
