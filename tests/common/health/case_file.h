#pragma once

#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>

#include "common/base/file.h"
#include "common/health/assess.h"
#include "common/health/rules.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {

/// The time at which all cases are judged.
inline const absl::Time kCaseTime = absl::FromUnixSeconds(1'700'000'000);

/// The documents of a file of cases: `name`, `expect` (the status), `message` (the whole message;
/// absent: empty), `object`, and optionally `judge`.
inline std::vector<Value> LoadCases(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  EXPECT_OK(text);
  if (!text.ok()) return {};
  absl::StatusOr<std::vector<Value>> documents = ReadYaml(*text, path);
  EXPECT_OK(documents);
  return documents.ok() ? *std::move(documents) : std::vector<Value>();
}

/// Judges one case without rules of a user's.
inline HealthAssessment JudgeCase(const Value& one) {
  static const auto* const none = new HealthRules();
  const Value* object = one.Find("object");
  return AssessHealth(object == nullptr ? Value() : *object, *none, kCaseTime);
}

inline void ExpectCase(const Value& one, const std::string& path) {
  SCOPED_TRACE(absl::StrCat(path, ":", one.place().line, ": ", one.StringAt("name")));
  const HealthAssessment found = JudgeCase(one);
  EXPECT_EQ(HealthName(found.health), one.StringAt("expect"));
  EXPECT_EQ(found.message, one.StringAt("message"));
  if (one.Find("judge") != nullptr) {
    EXPECT_EQ(found.judge, one.StringAt("judge"));
  }
}

}  // namespace lockstep
