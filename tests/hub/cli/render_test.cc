#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "hub/cli/client.h"
#include "hub/cli/command.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr absl::string_view kMap =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  a: \"1\"\n";

int64_t Lines(const std::ostringstream& stream) {
  const std::string text = stream.str();
  return std::count(text.begin(), text.end(), '\n');
}

class RenderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/render-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    Write("base/kustomization.yaml", "resources: [map.yaml]\n");
    Write("base/map.yaml", kMap);
    Write("apps/eu/kustomization.yaml", "resources: [../../base]\nnamePrefix: eu-\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Write(const std::string& path, absl::string_view content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content;
  }
  std::string Read(const std::string& path) {
    std::ifstream file(root_ / path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  /// `line` with ROOT as the test's folder.
  int Run(absl::string_view line) {
    std::istringstream in;
    out_.str("");
    talk_.str("");
    CommandContext context(&in, &out_, &talk_, /*interactive=*/false, &clock_,
                           [](const GlobalFlags&) -> absl::StatusOr<std::unique_ptr<FleetClient>> {
                             return absl::UnavailableError("rendering asks no hub");
                           });
    CommandSet commands(&context);
    AddAllCommands(&commands);
    std::vector<std::string> words = absl::StrSplit(line, ' ');
    for (std::string& word : words) {
      if (absl::StartsWith(word, "ROOT")) word = root_.string() + word.substr(4);
    }
    return commands.Run(std::move(words));
  }

  fs::path root_;
  ManualClock clock_{absl::FromUnixSeconds(1000)};
  std::ostringstream out_, talk_;
};

TEST_F(RenderTest, PrintsWhatKustomizePrints) {
  EXPECT_EQ(Run("render ROOT/apps/eu"), kExitDone);
  EXPECT_EQ(out_.str(),
            "apiVersion: v1\ndata:\n  a: \"1\"\nkind: ConfigMap\nmetadata:\n  name: eu-web\n");
  EXPECT_EQ(talk_.str(), "");
}

TEST_F(RenderTest, TakesKustomizesFlags) {
  Write("outside.yaml", kMap);
  Write("o/kustomization.yaml", "resources: [../outside.yaml]\n");
  EXPECT_EQ(Run("render ROOT/o"), kExitFailed);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(
      Run("render ROOT/o --load-restrictor LoadRestrictionsNone --enable-helm --reorder=none"),
      kExitDone);
  EXPECT_EQ(Run("render ROOT/o --load-restrictor LoadRestrictionNone"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("did you mean LoadRestrictionsNone?"));
}

TEST_F(RenderTest, WritesToAFile) {
  EXPECT_EQ(Run("render ROOT/base -o ROOT/out.yaml"), kExitDone);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(Read("out.yaml"), HasSubstr("name: web"));
}

TEST_F(RenderTest, ARefusedFolderPrintsNothingAndNamesThePlace) {
  Write("bad/kustomization.yaml", "resources: []\nnamPrefix: x\n");
  EXPECT_EQ(Run("render ROOT/bad"), kExitFailed);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(talk_.str(), HasSubstr("bad/kustomization.yaml:2:"));
  EXPECT_THAT(talk_.str(), HasSubstr("did you mean \"namePrefix\"?"));
  EXPECT_EQ(Run("render ROOT/none"), kExitFailed);
  EXPECT_EQ(Run("render ROOT/base/map.yaml"), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("is no folder"));
}

TEST_F(RenderTest, RendersATree) {
  EXPECT_EQ(Run("render --all ROOT --out ROOT/out"), kExitDone);
  EXPECT_EQ(talk_.str(), "");
  EXPECT_THAT(Read("out/base.yaml"), HasSubstr("name: web"));
  EXPECT_THAT(Read("out/apps__eu.yaml"), HasSubstr("name: eu-web"));
}

TEST_F(RenderTest, OneRefusedFolderOfATreeIsOneLineAndNoFile) {
  Write("apps/us/kustomization.yaml", "resources: [../../base]\n");
  ASSERT_EQ(Run("render --all ROOT --out ROOT/out"), kExitDone);
  Write("apps/us/kustomization.yaml", "resources: [missing.yaml]\n");
  EXPECT_EQ(Run("render --all ROOT --out ROOT/out"), kExitFailed);
  EXPECT_THAT(talk_.str(), StartsWith("apps/us: "));
  EXPECT_THAT(talk_.str(), HasSubstr("rendered 2 of 3 kustomizations\n"));
  EXPECT_EQ(Lines(talk_), 2);
  EXPECT_FALSE(fs::exists(root_ / "out/apps__us.yaml")) << "left from the earlier run";
  EXPECT_TRUE(fs::exists(root_ / "out/apps__eu.yaml"));
}

TEST_F(RenderTest, ATreeNeedsAFolderForItsResults) {
  EXPECT_EQ(Run("render --all ROOT"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("--out OUTDIR"));
}

TEST_F(RenderTest, A01A02ReadsNothingOutsideTheFolder) {
  Write("secret", "canary-content");
  for (const char* path : {"../secret", "link", "/etc/passwd", "..%2fsecret"}) {
    Write("k/kustomization.yaml",
          absl::StrCat("configMapGenerator: [{name: x, files: [\"", path, "\"]}]\n"));
    if (!fs::is_symlink(root_ / "k/link")) fs::create_symlink("../secret", root_ / "k/link");
    EXPECT_EQ(Run("render ROOT/k"), kExitFailed) << path;
    EXPECT_EQ(out_.str(), "");
    EXPECT_THAT(talk_.str(), testing::Not(HasSubstr("canary")));
  }
}

TEST_F(RenderTest, ValidateTellsEachProblemOnce) {
  Write("base/kustomization.yaml", "resources: [map.yaml, missing.yaml]\n");
  Write("c/kustomization.yaml",
        "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nreplicas: [{name: x, "
        "count: 1}]\n");
  EXPECT_EQ(Run("validate ROOT"), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("base/kustomization.yaml:1:"));
  EXPECT_THAT(out_.str(), HasSubstr("(in 2 kustomizations, such as apps/eu)"));
  EXPECT_EQ(Lines(out_), 1);
  EXPECT_EQ(talk_.str(), "kustomizations: 2, problems: 1\n");
  EXPECT_EQ(Run("validate ROOT -o json"), kExitFailed);
  EXPECT_THAT(out_.str(), HasSubstr("\"kustomizations\": [\n        \"apps/eu\""));
}

TEST_F(RenderTest, ValidateIsSilentWhereNothingIsWrong) {
  EXPECT_EQ(Run("validate ROOT"), kExitDone);
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace lockstep
