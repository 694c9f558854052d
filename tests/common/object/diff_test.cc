#include "common/object/diff.h"

#include <absl/strings/str_join.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/common/object/random_value.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

Value Json(absl::string_view json) {
  absl::StatusOr<Value> value = ReadJson(json, "x.json");
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

std::string Show(const Value* value) { return value == nullptr ? "" : CanonicalJson(*value); }

std::string Differences(absl::string_view before, absl::string_view after, size_t most = 64) {
  const Value old_value = Json(before);
  const Value new_value = Json(after);
  return absl::StrJoin(DiffValues(old_value, new_value, most), "; ",
                       [](std::string* out, const FieldDifference& difference) {
                         absl::StrAppend(out, difference.path, " ", Show(difference.before), ">",
                                         Show(difference.after));
                       });
}

TEST(DiffValues, NamesFieldsAsKubectlDoes) {
  EXPECT_EQ(Differences(R"({"spec":{"containers":[{"image":"a","name":"x"}],"replicas":1}})",
                        R"({"spec":{"containers":[{"image":"b","name":"x"}],"replicas":2}})"),
            ".spec.containers[0].image \"a\">\"b\"; .spec.replicas 1>2");
  EXPECT_EQ(Differences(R"({"labels":{"a/b":1,"c.d":1,"":1,"e-f_9":1}})",
                        R"({"labels":{"a/b":2,"c.d":2,"":2,"e-f_9":2}})"),
            ".labels[\"a/b\"] 1>2; .labels[\"c.d\"] 1>2; .labels[\"\"] 1>2; .labels.e-f_9 1>2");
}

TEST(DiffValues, ShowsWhatWasAddedRemovedOrChangedItsType) {
  EXPECT_EQ(Differences(R"({"a":1,"b":{"c":[]}})", R"({"b":{"c":{}},"d":{"e":1}})"),
            ".a 1>; .b.c []>{}; .d >{\"e\":1}");
  EXPECT_EQ(Differences("[1,2]", "[1]"), "[1] 2>");
  EXPECT_EQ(Differences("[1]", "[1,null]"), "[1] >null");
  EXPECT_EQ(Differences("1", "\"1\""), " 1>\"1\"");
}

TEST(DiffValues, StopsAtTheMost) {
  EXPECT_EQ(Differences("[1,2,3]", "[4,5,6]", 2), "[0] 1>4; [1] 2>5");
}

TEST(DiffValues, IsEmptyExactlyForEqualValues) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  SeededRng rng(seed);
  for (int i = 0; i < 5'000; ++i) {
    const Value a = RandomValue(&rng, 3);
    const Value b = RandomValue(&rng, 3);
    EXPECT_TRUE(DiffValues(a, Value(a)).empty());
    EXPECT_EQ(DiffValues(a, b).empty(), a == b);
  }
}

}  // namespace
}  // namespace lockstep
