#include "common/health/load/load.h"

#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

class LoadTest : public testing::Test {
 protected:
  LoadTest() { folder_ = *MakeTemporaryDirectory("health"); }
  ~LoadTest() override { EXPECT_OK(RemoveTree(folder_)); }

  void Write(const std::string& path, const std::string& text) {
    const std::string file = absl::StrCat(folder_, "/", path);
    ASSERT_OK(MakeDirectories(DirName(file)));
    ASSERT_OK(WriteFileAtomic(file, text, Durability::kNone));
  }

  std::string folder_;
};

TEST_F(LoadTest, ReadsAFolderInArgosForm) {
  Write("cert-manager.io/Certificate/health.lua", "return {}");
  Write("cert-manager.io/Certificate/testdata/healthy.yaml", "{}");
  Write("_.crossplane.io/_/health.lua", "return {}");
  Write("Service/health.lua", "return {}");
  Write("apps/Deployment/actions/restart/action.lua", "not lua");
  Write(".git/x/health.lua", "not lua");
  Write("README.md", "x");
  ASSERT_OK_AND_ASSIGN(const HealthRules rules, LoadHealthRules(folder_));
  EXPECT_EQ(rules.size(), 3u);
  EXPECT_NE(rules.FindUserRule("cert-manager.io", "Certificate"), nullptr);
  EXPECT_NE(rules.FindUserRule("iam.aws.crossplane.io", "Role"), nullptr);
  EXPECT_NE(rules.FindUserRule("", "Service"), nullptr);
  EXPECT_EQ(rules.FindUserRule("apps", "Deployment"), nullptr);
}

TEST_F(LoadTest, ReadsAConfigMap) {
  Write(
      "cm.yaml",
      "apiVersion: v1\nkind: ConfigMap\ndata:\n  resource.customizations.health.Pod: return {}\n");
  ASSERT_OK_AND_ASSIGN(const HealthRules rules, LoadHealthRules(folder_ + "/cm.yaml"));
  EXPECT_NE(rules.FindUserRule("", "Pod"), nullptr);
}

TEST_F(LoadTest, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(LoadHealthRules(folder_ + "/none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none: there is neither")));
  EXPECT_THAT(LoadHealthRules(folder_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no GROUP/KIND/health.lua")));
  Write("empty.yaml", "");
  EXPECT_THAT(LoadHealthRules(folder_ + "/empty.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the file is empty")));
  Write("apps/Deployment/health.lua", "if");
  EXPECT_THAT(LoadHealthRules(folder_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("Deployment/health.lua:1: ")));
}

}  // namespace
}  // namespace lockstep
