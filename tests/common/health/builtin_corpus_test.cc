// Judges Kubernetes' own kinds as Argo CD does: see ../shared/corpus/health/README.md.

#include <map>

#include <absl/strings/str_split.h>

#include "common/object/json.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

constexpr char kCorpus[] = "../shared/corpus/health/builtin.jsonl";

// Where the corpus has no status, since Argo CD has no built-in rule: what a shipped rule says.
const std::map<std::string, std::string>& Ours() {
  static const auto* const names = new std::map<std::string, std::string>{
      {"serving.knative.dev/Service/knative-service", "Progressing"}};
  return *names;
}

TEST(HealthCorpus, BuiltInKindsHaveArgosStatus) {
  if (!PathExists(kCorpus)) GTEST_SKIP() << kCorpus << " is not here";
  ASSERT_OK_AND_ASSIGN(const std::string lines, ReadFile(kCorpus));
  const HealthRules none;
  int cases = 0;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    ASSERT_OK_AND_ASSIGN(const Value one, ReadJson(line, kCorpus));
    const std::string name(one.StringAt("name"));
    SCOPED_TRACE(name);
    const HealthAssessment found = AssessHealth(*one.Find("object"), none, kCaseTime);
    const absl::string_view wanted = one.StringAt("expected_status");
    EXPECT_EQ(HealthName(found.health), wanted.empty() ? Ours().at(name) : wanted);
    if (one.Find("expected_message")->IsString()) {
      EXPECT_EQ(found.message, one.StringAt("expected_message"));
    }
    if (found.health != Health::kHealthy) {
      EXPECT_NE(found.message, "");
    }
    ++cases;
  }
  EXPECT_EQ(cases, 48);
}

}  // namespace
}  // namespace lockstep
