#include "common/health/rules.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

absl::Status Add(const std::string& yaml, HealthRules* rules) {
  absl::StatusOr<std::vector<Value>> documents = ReadYaml(yaml, "cm.yaml");
  if (!documents.ok()) return documents.status();
  return rules->AddConfigMap(documents->front(), "cm.yaml");
}

std::string OriginOf(const HealthRules& rules, absl::string_view group, absl::string_view kind) {
  const LuaRule* rule = rules.FindUserRule(group, kind);
  return rule == nullptr ? "none" : rule->origin();
}

constexpr char kArgoCdCm[] = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm, namespace: argocd}
data:
  url: https://cd.example.org
  resource.customizations.health.argoproj.io_Application: |
    return {status = "Healthy"}
  resource.customizations.health.Service: return {status = "Healthy"}
  resource.customizations.ignoreDifferences.all: "managedFieldsManagers: [x]"
  resource.customizations.actions.apps_Deployment: "not: lua"
  resource.customizations: |
    argoproj.io/Application:
      health.lua: |
        this one would not compile, and is not reached
    "*.crossplane.io/*":
      health.lua.useOpenLibs: true
      health.lua: |
        return {status = "Healthy"}
    PersistentVolumeClaim:
      health.lua: return {}
    apps/Deployment:
      ignoreDifferences: "jsonPointers: []"
)";

TEST(ConfigMapRules, BothStylesAreRead) {
  std::string yaml = kArgoCdCm;
  yaml.replace(yaml.find("this one would not compile, and is not reached"), 46, "return nil");
  HealthRules rules;
  ASSERT_OK(Add(yaml, &rules));
  EXPECT_EQ(rules.size(), 4u);
  EXPECT_EQ(OriginOf(rules, "", "Service"), "cm.yaml: resource.customizations.health.Service");
  EXPECT_EQ(OriginOf(rules, "s3.aws.crossplane.io", "Bucket"),
            "cm.yaml: resource.customizations: *.crossplane.io/*: health.lua");
  EXPECT_EQ(OriginOf(rules, "", "PersistentVolumeClaim"),
            "cm.yaml: resource.customizations: PersistentVolumeClaim: health.lua");
  EXPECT_EQ(OriginOf(rules, "apps", "Deployment"), "none");
  // The key of its own wins.
  EXPECT_EQ(OriginOf(rules, "argoproj.io", "Application"),
            "cm.yaml: resource.customizations.health.argoproj.io_Application");
}

TEST(ConfigMapRules, AScriptThatDoesNotCompileIsNamed) {
  HealthRules rules;
  EXPECT_THAT(Add(kArgoCdCm, &rules),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       StartsWith("cm.yaml: resource.customizations: argoproj.io/Application: "
                                  "health.lua:1: ")));
}

TEST(ConfigMapRules, WhatIsNoRuleIsSaid) {
  HealthRules rules;
  const auto refused = [&](const std::string& data, const char* why) {
    EXPECT_THAT(Add("apiVersion: v1\nkind: ConfigMap\ndata:\n  " + data, &rules),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  refused("resource.customizations: {}", "is no text");
  refused("resource.customizations: '[]'", "is no mapping");
  refused("resource.customizations: 'a: {health.lua: 1}'", "is no text");
  refused("resource.customizations: 'a: [b'", "cm.yaml: resource.customizations:2:1: did not find");
  refused("resource.customizations.health.a_b_c: ''", "does not end in GROUP_KIND");
  refused("resource.customizations.health.Pod: 1", "is no text");
  EXPECT_THAT(Add("apiVersion: v1\nkind: Secret", &rules),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("it is no ConfigMap")));
  EXPECT_OK(Add("apiVersion: v1\nkind: ConfigMap", &rules));
}

}  // namespace
}  // namespace lockstep
