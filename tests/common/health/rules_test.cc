#include "common/health/rules.h"

#include "common/object/json.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

// A rule that says who it is.
std::string Says(const std::string& name) {
  return "return {status='Suspended', message='" + name + "'}";
}

std::string AnswerFor(const HealthRules& rules, const std::string& version,
                      const std::string& kind) {
  Value object = Value::MakeObject();
  object.AsObject().Set("apiVersion", Value::String(version));
  object.AsObject().Set("kind", Value::String(kind));
  return AssessHealth(object, rules, kCaseTime).message;
}

TEST(HealthRules, TheExactKeyGoesBeforeWildcardsAndTheLongestWildcardFirst) {
  const std::string keys[] = {"*",
                              "*/*",
                              "*.example.org/*",
                              "db.example.org/*",
                              "*/Database",
                              "db.example.org/D*",
                              "db.example.org/Database"};
  // In whatever order they are added.
  for (const bool backwards : {false, true}) {
    HealthRules rules;
    for (size_t i = 0; i < std::size(keys); ++i) {
      const std::string& key = keys[backwards ? std::size(keys) - 1 - i : i];
      ASSERT_OK(rules.Add(key, Says(key), "test"));
    }
    EXPECT_EQ(rules.size(), std::size(keys));
    EXPECT_EQ(AnswerFor(rules, "db.example.org/v1", "Database"), "db.example.org/Database");
    EXPECT_EQ(AnswerFor(rules, "db.example.org/v1", "Dump"), "db.example.org/D*");
    EXPECT_EQ(AnswerFor(rules, "db.example.org/v1", "User"), "db.example.org/*");
    EXPECT_EQ(AnswerFor(rules, "x.example.org/v1", "User"), "*.example.org/*");
    EXPECT_EQ(AnswerFor(rules, "other.org/v1", "Database"), "*/Database");
    EXPECT_EQ(AnswerFor(rules, "other.org/v1", "User"), "*/*");
    EXPECT_EQ(AnswerFor(rules, "v1", "ConfigMap"), "*");
  }
}

TEST(HealthRules, AmongEqualsTheFirstByBytesIsTaken) {
  HealthRules rules;
  ASSERT_OK(rules.Add("b*/Thing", Says("second"), "test"));
  ASSERT_OK(rules.Add("*b/Thing", Says("first"), "test"));
  EXPECT_EQ(AnswerFor(rules, "b/v1", "Thing"), "first");
}

TEST(HealthRules, AUsersRuleGoesBeforeTheShippedAndTheBuiltIn) {
  HealthRules rules;
  ASSERT_OK(rules.Add("Pod", Says("mine"), "my.lua"));
  ASSERT_OK(rules.Add("argoproj.io/Workflow", Says("mine too"), "my.lua"));
  EXPECT_EQ(AnswerFor(rules, "v1", "Pod"), "mine");
  EXPECT_EQ(AnswerFor(rules, "argoproj.io/v1alpha1", "Workflow"), "mine too");
}

TEST(HealthRules, ARuleThatSaysNothingLeavesTheAnswerToTheNext) {
  HealthRules rules;
  ASSERT_OK(rules.Add("Pod", "return nil", "my.lua"));
  EXPECT_EQ(AnswerFor(rules, "v1", "Pod"), "it is not scheduled yet");
}

TEST(HealthRules, ARuleThatBreaksMakesUnknownAndIsNamed) {
  HealthRules rules;
  ASSERT_OK(rules.Add("Pod", "\nos.execute('x')", "rules/Pod/health.lua"));
  ASSERT_OK_AND_ASSIGN(const Value pod, ReadJson(R"({"apiVersion":"v1","kind":"Pod"})", "pod"));
  const HealthAssessment found = AssessHealth(pod, rules, kCaseTime);
  EXPECT_EQ(found.health, Health::kUnknown);
  EXPECT_TRUE(found.rule_failed);
  EXPECT_EQ(found.judge, "rules/Pod/health.lua");
  EXPECT_EQ(found.message,
            "the health rule broke: rules/Pod/health.lua:2: os.execute is outside the sandbox; "
            "docs/health.md lists what is in it");
}

TEST(HealthRules, DeletionGoesBeforeEveryRule) {
  HealthRules rules;
  ASSERT_OK(rules.Add("*", Says("mine"), "my.lua"));
  ASSERT_OK_AND_ASSIGN(
      const Value pod,
      ReadJson(
          R"({"apiVersion":"v1","kind":"Pod","metadata":{"deletionTimestamp":"t","finalizers":["a/b"]}})",
          "pod"));
  EXPECT_EQ(AssessHealth(pod, rules, kCaseTime).message,
            "it is being deleted since t; it waits for the finalizers a/b");
}

TEST(HealthRules, BadKeysAreRefusedByName) {
  HealthRules rules;
  for (const char* key : {"", "a/b/c", "/Pod", "apps/", "apps/[AB]", "apps/{A,B}", "apps Pod"}) {
    EXPECT_THAT(rules.Add(key, "return nil", "f"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("write GROUP/KIND")))
        << key;
  }
}

TEST(HealthRules, WildcardsAreMatchedInTime) {
  HealthRules rules;
  std::string key;
  for (int i = 0; i < 250; ++i) key += "*a";
  ASSERT_OK(rules.Add(key + "*b", Says("never"), "test"));
  EXPECT_EQ(rules.FindUserRule(std::string(20'000, 'a'), "X"), nullptr);
}

}  // namespace
}  // namespace lockstep
