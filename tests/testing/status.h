#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <gmock/gmock.h>

namespace lockstep {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

/// Matches an OK Status or StatusOr.
MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg);
  return arg.ok();
}

/// Matches a Status or StatusOr with this code whose message `message` matches.
MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << StatusOf(arg);
  return StatusOf(arg).code() == code &&
         testing::ExplainMatchResult(message, std::string(StatusOf(arg).message()),
                                     result_listener);
}

}  // namespace lockstep

#define ASSERT_OK(expression) ASSERT_THAT(expression, ::lockstep::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::lockstep::IsOk())

/// Declares or assigns `target` from a StatusOr, or fails the test.
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  ASSERT_OK_AND_ASSIGN_IMPL_(ASSERT_OK_CONCAT_(assert_or_, __LINE__), target, expression)
#define ASSERT_OK_CONCAT_INNER_(a, b) a##b
#define ASSERT_OK_CONCAT_(a, b) ASSERT_OK_CONCAT_INNER_(a, b)
#define ASSERT_OK_AND_ASSIGN_IMPL_(result, target, expression) \
  auto result = (expression);                                  \
  ASSERT_THAT(result, ::lockstep::IsOk());                     \
  target = *std::move(result)
