#include "common/render/patch/json_patch.h"

#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

Value Read(absl::string_view text) {
  YamlOptions options;
  options.dialect = YamlOptions::Dialect::kGoYaml3;
  options.keep_source_text = true;
  absl::StatusOr<std::vector<Value>> documents = ReadYamlWith(text, "input.yaml", options);
  EXPECT_OK(documents);
  return documents.ok() ? std::move(documents->at(0)) : Value();
}

/// What is left of `base` after `patch`, in JSON, or the message.
std::string Patched(absl::string_view base, absl::string_view patch) {
  Value target = Read(base);
  const absl::StatusOr<JsonPatch> parsed = ParseJsonPatch(patch, "p.yaml");
  if (!parsed.ok()) return std::string(parsed.status().message());
  const absl::Status status = ApplyJsonPatch(&target, *parsed);
  return status.ok() ? WriteJson(target, 0) : std::string(status.message());
}

TEST(JsonPatch, CarriesOutTheSixOperations) {
  EXPECT_EQ(Patched("{a: 1}", "- {op: add, path: /b, value: {c: [1]}}"),
            R"({"a":1,"b":{"c":[1]}})");
  EXPECT_EQ(Patched("{a: 1, b: 2}", "- {op: remove, path: /a}"), R"({"b":2})");
  EXPECT_EQ(Patched("{a: 1}", "- {op: replace, path: /a, value: x}"), R"({"a":"x"})");
  EXPECT_EQ(Patched("{a: {b: 1}}", "- {op: move, from: /a/b, path: /c}"), R"({"a":{},"c":1})");
  EXPECT_EQ(Patched("{a: {b: 1}}", "- {op: copy, from: /a, path: /c}"),
            R"({"a":{"b":1},"c":{"b":1}})");
  EXPECT_EQ(Patched("{a: [1, {b: 2}]}", "- {op: test, path: /a, value: [1, {b: 2}]}"),
            R"({"a":[1,{"b":2}]})");
}

TEST(JsonPatch, WhatIsNoMappingHasNoPlaceToPatch) {
  const absl::StatusOr<JsonPatch> patch =
      ParseJsonPatch("- {op: add, path: /a, value: 1}\n", "patch.yaml");
  ASSERT_OK(patch);
  Value text = Value::String("x");
  EXPECT_THAT(ApplyJsonPatch(&text, *patch),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("/a")));
}

TEST(JsonPatch, ReadsJsonToo) {
  EXPECT_EQ(Patched("{a: 1}", R"([{"op": "add", "path": "/b~1c~0d~01", "value": "x"}])"),
            R"({"a":1,"b/c~d~1":"x"})");
}

TEST(JsonPatch, ReadsListIndexes) {
  const auto list = [](absl::string_view patch) { return Patched("{l: [a, b, c]}", patch); };
  EXPECT_EQ(list("- {op: add, path: /l/-, value: d}"), R"({"l":["a","b","c","d"]})");
  EXPECT_EQ(list("- {op: add, path: /l/0, value: d}"), R"({"l":["d","a","b","c"]})");
  EXPECT_EQ(list("- {op: add, path: /l/3, value: d}"), R"({"l":["a","b","c","d"]})");
  EXPECT_EQ(list("- {op: add, path: /l/-1, value: d}"), R"({"l":["a","b","c","d"]})");
  EXPECT_EQ(list("- {op: remove, path: /l/-1}"), R"({"l":["a","b"]})");
  EXPECT_EQ(list("- {op: replace, path: /l/-3, value: d}"), R"({"l":["d","b","c"]})");
  EXPECT_EQ(
      list("- {op: replace, path: /l/-4, value: d}"),
      "p.yaml:1:3: operation 1 of the JSON patch, replace /l/-4: index -4 is outside the list");
  EXPECT_EQ(list("- {op: add, path: /l/4, value: d}"),
            "p.yaml:1:3: operation 1 of the JSON patch, add /l/4: index 4 is outside the list");
  EXPECT_EQ(list("- {op: replace, path: /l/-, value: d}"),
            "p.yaml:1:3: operation 1 of the JSON patch, replace /l/-: \"-\" is no index of a list; "
            "write a number");
}

TEST(JsonPatch, DepartsFromTheRfcAsTheOriginalDoes) {
  EXPECT_EQ(Patched("{a: {}}", "- {op: replace, path: /a/b, value: 1}"), R"({"a":{"b":1}})");
  EXPECT_EQ(Patched("{a: {}}", "- {op: copy, from: /a/b, path: /c}"), R"({"a":{},"c":null})");
  EXPECT_EQ(Patched("{a: {}}", "- {op: test, path: /a/b, value: null}"), R"({"a":{}})");
  EXPECT_EQ(Patched("{a: {}}", "- {op: add, path: /c}"), R"({"a":{},"c":null})");
  EXPECT_EQ(Patched("{a: 1}", "- {op: replace, path: x/a, value: 2}"), R"({"a":2})");
}

TEST(JsonPatch, SaysWhatIsMissing) {
  EXPECT_EQ(Patched("{a: {}}", "- {op: replace, path: /a/b/c, value: 1}"),
            "p.yaml:1:3: operation 1 of the JSON patch, replace /a/b/c: the resource has no /a/b");
  EXPECT_EQ(Patched("{a: {}}", "- {op: remove, path: /a/b}"),
            "p.yaml:1:3: operation 1 of the JSON patch, remove /a/b: the resource has no /a/b");
  EXPECT_EQ(Patched("{a: {}}", "- {op: move, from: /b, path: /c}"),
            "p.yaml:1:3: operation 1 of the JSON patch, move /b to /c: the resource has no /b");
  EXPECT_EQ(
      Patched("{a: 1}", "- {op: test, path: /a, value: 2}"),
      "p.yaml:1:3: operation 1 of the JSON patch, test /a: the resource has another value there");
}

TEST(JsonPatch, SaysWhichOperationIsWrongWhereItIsApplied) {
  const auto patch =
      ParseJsonPatch("- op: test\n  path: /a\n- op: repalce\n  path: /a\n", "p.yaml", 10);
  ASSERT_OK(patch);
  Value target = Read("{}");
  EXPECT_THAT(ApplyJsonPatch(&target, *patch),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "p.yaml:13:3: operation 2 of the JSON patch: `op: repalce` is unknown; did "
                       "you mean replace? write add, remove, replace, move, copy or test"));
  EXPECT_EQ(
      Patched("{}", "- {op: add}"),
      "p.yaml:1:3: operation 1 of the JSON patch: its `path` is missing; write a path such as "
      "/spec/replicas");
}

TEST(JsonPatch, RefusesWhatIsNoListOfOperations) {
  EXPECT_EQ(Patched("{}", "a: 1"),
            "p.yaml:1:1: a JSON patch is a list of operations, this is a mapping");
  EXPECT_EQ(Patched("{}", "- 1"),
            "p.yaml:1:3: operation 1 of the JSON patch is no mapping: integer");
}

TEST(JsonPatch, LeavesWhatJsonMakesOfTheResource) {
  Value target = Read("{a: 1.10, b: 12345678, c: ~, d: \"80\", e: 9007199254740993}");
  const auto patch = ParseJsonPatch("[]", "p");
  ASSERT_OK(patch);
  ASSERT_OK(ApplyJsonPatch(&target, *patch));
  EXPECT_EQ(target.Find("a")->source_text(), "1.1");
  EXPECT_EQ(target.Find("b")->source_text(), "1.2345678e+07");
  EXPECT_EQ(target.Find("c")->source_text(), "null");
  EXPECT_TRUE(target.Find("d")->is_quoted());
  EXPECT_EQ(target.Find("e")->AsInt(), 9007199254740992);
}

TEST(JsonPatch, LimitsWhatCopiesMake) {
  std::string patch = "- {op: add, path: /a, value: [1, 2, 3, 4, 5, 6, 7, 8]}\n";
  for (int i = 0; i < 40; ++i) patch += "- {op: copy, from: /a, path: /a/-}\n";
  EXPECT_THAT(Patched("{}", patch), testing::HasSubstr("make over 200000 values"));
}

TEST(JsonPatch, LimitsTheDepth) {
  std::string patch = "- {op: add, path: /a, value: {}}\n";
  std::string path = "/a";
  for (int i = 0; i < 140; ++i) {
    path += "/a";
    absl::StrAppend(&patch, "- {op: add, path: ", path, ", value: {}}\n");
  }
  EXPECT_THAT(Patched("{}", patch), testing::HasSubstr("over 128 levels deep"));
}

}  // namespace
}  // namespace lockstep
