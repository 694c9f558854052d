#include "common/health/shipped.h"

#include <map>
#include <set>

#include <absl/strings/match.h>
#include <absl/strings/str_replace.h>

#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr char kFolder[] = "tests/common/health/data/shipped";

TEST(ShippedHealth, EveryRuleCompiles) {
  for (const ShippedRule& rule : ShippedRules()) {
    EXPECT_OK(LuaRule::Compile(rule.script, rule.key));
  }
  EXPECT_GE(ShippedRules().size(), 25u);
}

TEST(ShippedHealth, JudgesEveryCase) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(kFolder));
  std::map<std::string, std::set<std::string>> statuses;
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(kFolder, "/", name);
    for (const Value& one : LoadCases(path)) {
      ExpectCase(one, path);
      const HealthAssessment found = JudgeCase(one);
      EXPECT_FALSE(found.rule_failed) << found.message;
      statuses[found.judge].insert(std::string(HealthName(found.health)));
    }
  }
  // At least two cases, of different outcome, for each.
  for (const ShippedRule& rule : ShippedRules()) {
    EXPECT_GE(statuses[absl::StrCat("shipped ", rule.key)].size(), 2u) << rule.key;
  }
}

TEST(ShippedHealth, TheDocumentListsEveryRule) {
  ASSERT_OK_AND_ASSIGN(const std::string page, ReadFile("docs/health.md"));
  for (const std::string& key : ShippedHealthRules()) {
    EXPECT_THAT(page, HasSubstr(absl::StrCat("`", key, "`")));
  }
}

// Objects of a shipped kind without anything in them, and with rubbish in every place.
TEST(ShippedHealth, NoRuleBreaksOnWhatItDoesNotExpect) {
  const HealthRules none;
  for (const ShippedRule& rule : ShippedRules()) {
    const std::string key = absl::StrReplaceAll(rule.key, {{"*", "x"}});
    const size_t slash = key.find('/');
    for (const char* rest : {"{}", "{status: {}}", "{spec: {}, status: {conditions: []}}",
                             "{metadata: {generation: 2}, status: {observedGeneration: 1}}",
                             "{status: {conditions: [{type: Ready}, {type: Synced}, {}]}}",
                             "{spec: {replicas: 3}, status: {phase: Odd, state: Odd}}"}) {
      ASSERT_OK_AND_ASSIGN(std::vector<Value> documents, ReadYaml(rest, "x"));
      Object& object = documents.front().AsObject();
      object.Set("apiVersion", Value::String(key.substr(0, slash) + "/v1"));
      object.Set("kind", Value::String(key.substr(slash + 1)));
      const HealthAssessment found = AssessHealth(documents.front(), none, kCaseTime);
      EXPECT_FALSE(found.rule_failed) << rule.key << " " << rest << ": " << found.message;
    }
  }
}

}  // namespace
}  // namespace lockstep
