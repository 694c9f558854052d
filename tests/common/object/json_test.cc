#include "common/object/json.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/common/object/random_value.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

std::string Canonical(absl::string_view json) {
  absl::StatusOr<Value> value = ReadJson(json, "x.json");
  EXPECT_OK(value) << json;
  return value.ok() ? CanonicalJson(*value) : "";
}

TEST(ReadJson, Keeps64BitIntegersAndMakesLargerOnesDoubles) {
  EXPECT_EQ(Canonical("[9223372036854775807, -9223372036854775808, 18446744073709551615]"),
            "[9223372036854775807,-9223372036854775808,18446744073709551615]");
  EXPECT_EQ(Canonical(R"({"a\"18446744073709551616": [18446744073709551616, -1e3]})"),
            R"({"a\"18446744073709551616":[18446744073709552000,-1000]})");
  EXPECT_EQ(Canonical("123456789012345678901234567890"), "1.2345678901234568e+29");
}

TEST(ReadJson, RefusesWhatIsNoJson) {
  for (const absl::string_view json :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "[1}", "1 2", "nul", "\"\xff\"", "\"\\ud800\"", "01",
        "+1", "1e999", "{\"a\" 1}", "'a'", "[1 2]", "\"\n\"", "NaN",
        "0123456789012345678901234567890"}) {
    EXPECT_THAT(ReadJson(json, "x.json"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("x.json: ")))
        << json;
  }
}

TEST(ReadJson, A28RefusesAMemberThatStandsTwice) {
  EXPECT_THAT(ReadJson(R"({"a":{"image":"x","b":1,"image":"y"}})", "x.json"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the member \"image\"")));
  EXPECT_THAT(ReadJson(R"({"kind":"x","\u006bind":"y"})", "x.json"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the member \"kind\"")));
}

TEST(ReadJson, A26RefusesWhatIsTooDeep) {
  const std::string most = std::string(64, '[') + std::string(64, ']');
  EXPECT_OK(ReadJson(most, "x.json"));
  const std::string deep = "[" + most + "]";
  EXPECT_THAT(ReadJson(deep, "x.json"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("too deep")));
  const std::string deeper = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_THAT(ReadJson(deeper, "x.json"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("too deep")));
}

TEST(ReadJson, RefusesMoreBytesThanTheLimit) {
  EXPECT_THAT(ReadJson("[1, 2]", "x.json", {.bytes = 5}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("over 5")));
}

TEST(CanonicalJson, PrintsNumbersAsGoDoes) {
  for (const auto& [value, text] : std::vector<std::pair<double, std::string>>{
           {1, "1"},
           {-0.0, "0"},
           {1.5, "1.5"},
           {1e20, "100000000000000000000"},
           {1e21, "1e+21"},
           {1.5e300, "1.5e+300"},
           {1e-6, "0.000001"},
           {1e-7, "1e-7"},
           {1.25e-10, "1.25e-10"},
           {123456.789, "123456.789"},
           {1234567890123456789.0, "1234567890123456800"},
           {5e-324, "5e-324"},
           {1.7976931348623157e308, "1.7976931348623157e+308"}}) {
    EXPECT_EQ(CanonicalJson(Value::Double(value)), text);
    EXPECT_EQ(CanonicalJson(Value::Double(-value)), text == "0" ? "0" : "-" + text);
  }
}

TEST(CanonicalJson, SortsMembersAndEscapesOnlyWhatItMust) {
  EXPECT_EQ(
      Canonical(R"({"b": 1, "a": {"z": null, "B": true}, "": "<&>\u2028\u00e9\/\b\u0001\u007f"})"),
      "{\"\":\"<&>\xe2\x80\xa8\xc3\xa9/\\b\\u0001\x7f\",\"a\":{\"B\":true,\"z\":null},\"b\":1}");
}

TEST(CanonicalJson, IsTheSameForEqualValuesAndReadsBack) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  SeededRng rng(seed);
  for (int i = 0; i < 10'000; ++i) {
    const Value value = RandomValue(&rng, 4);
    const std::string canonical = CanonicalJson(value);
    ASSERT_OK_AND_ASSIGN(const Value back, ReadJson(canonical, "x.json"));
    ASSERT_EQ(CanonicalJson(back), canonical);
    ASSERT_TRUE(back == value) << canonical;
    ASSERT_OK_AND_ASSIGN(const Value indented, ReadJson(WriteJson(value), "x.json"));
    ASSERT_TRUE(indented == value) << canonical;
  }
}

TEST(WriteJson, KeepsTheOrderOfMembers) {
  ASSERT_OK_AND_ASSIGN(const Value value, ReadJson(R"({"b":[1,{}],"a":{"c":[]}})", "x.json"));
  EXPECT_EQ(WriteJson(value), R"({
  "b": [
    1,
    {}
  ],
  "a": {
    "c": []
  }
})");
  EXPECT_EQ(WriteJson(value, 0), R"({"b":[1,{}],"a":{"c":[]}})");
}

}  // namespace
}  // namespace lockstep
