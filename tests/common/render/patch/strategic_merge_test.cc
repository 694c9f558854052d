#include "common/render/patch/strategic_merge.h"

#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kPod = "apiVersion: v1\nkind: Pod\n";
constexpr absl::string_view kCustom = "apiVersion: example.com/v1\nkind: Any\n";

Value Read(absl::string_view head, absl::string_view body) {
  YamlOptions options;
  options.dialect = YamlOptions::Dialect::kGoYaml3;
  options.keep_source_text = true;
  absl::StatusOr<std::vector<Value>> documents =
      ReadYamlWith(absl::StrCat(head, body), "input.yaml", options);
  EXPECT_OK(documents);
  return documents.ok() ? std::move(documents->at(0)) : Value();
}

absl::StatusOr<PatchOutcome> Apply(absl::string_view head, absl::string_view patch, Value* target) {
  return ApplyStrategicMerge(target, Read(head, patch), MergeSchema::BuiltIn());
}

/// What is left of `base` after `patch`, in JSON, without kind and version.
std::string Merged(absl::string_view head, absl::string_view base, absl::string_view patch) {
  Value target = Read(head, base);
  const absl::StatusOr<PatchOutcome> outcome = Apply(head, patch, &target);
  if (!outcome.ok()) return std::string(outcome.status().message());
  if (*outcome == PatchOutcome::kDeleted) return "deleted";
  target.AsObject().Remove("apiVersion");
  target.AsObject().Remove("kind");
  return WriteJson(target, 0);
}

std::string Containers(absl::string_view base, absl::string_view patch) {
  return Merged(kPod, absl::StrCat("spec: {containers: ", base, "}"),
                absl::StrCat("spec: {containers: ", patch, "}"));
}

TEST(StrategicMerge, UnitesMappings) {
  EXPECT_EQ(Merged(kCustom, "a: {b: 1, c: 2}", "a: {c: 3, d: 4}"), R"({"a":{"b":1,"c":3,"d":4}})");
}

TEST(StrategicMerge, ANullTakesTheFieldOut) {
  EXPECT_EQ(Merged(kCustom, "a: {b: 1, c: 2}", "a: {b: null, x: null}"), R"({"a":{"c":2}})");
}

TEST(StrategicMerge, NothingOfANewMappingIsNull) {
  EXPECT_EQ(Merged(kCustom, "b: 1",
                   "a: {b: null, c: {$patch: delete, d: 1}, e: {$patch: replace, f: 1}}"),
            R"({"b":1,"a":{"e":{"f":1}}})");
}

TEST(StrategicMerge, KeepsASpelledNullAndDropsAnEmptyOne) {
  EXPECT_EQ(Merged(kCustom, "a: ~\nb:\nc: {d: null, e:  }", "x: 1"),
            R"({"a":null,"c":{"d":null},"x":1})");
}

TEST(StrategicMerge, TakesADirectiveInAMapping) {
  EXPECT_EQ(Merged(kCustom, "a: {b: 1}", "a: {$patch: delete}"), "{}");
  EXPECT_EQ(Merged(kCustom, "a: {b: 1}", "a: {$patch: replace, c: 2}"), R"({"a":{"c":2}})");
  EXPECT_EQ(Merged(kCustom, "a: {b: 1}", "a: {$patch: merge, c: 2}"), R"({"a":{"b":1,"c":2}})");
  EXPECT_EQ(Merged(kCustom, "a: 1", "$patch: delete"), "deleted");
  EXPECT_EQ(Merged(kCustom, "a: 1", "$patch: replace\nb: 1"), R"({"a":1})");
  EXPECT_EQ(Merged(kCustom, "a: {b: 1}", "a: {$patch: drop}"),
            "a: \"$patch: drop\" is unknown; write merge, replace or delete");
}

TEST(StrategicMerge, ReplacesListsOfUnknownTypes) {
  EXPECT_EQ(Merged(kCustom, "spec: {containers: [{name: a}]}", "spec: {containers: [{name: b}]}"),
            R"({"spec":{"containers":[{"name":"b"}]}})");
}

TEST(StrategicMerge, PutsPatchedElementsInFront) {
  EXPECT_EQ(Containers("[{name: a, x: 1}, {name: b, x: 1}]", "[{name: c}, {name: b, x: 2}]"),
            R"({"spec":{"containers":[{"name":"c"},{"name":"b","x":2},{"name":"a","x":1}]}})");
}

TEST(StrategicMerge, TakesADirectiveInAList) {
  EXPECT_EQ(Containers("[{name: a}, {name: b}]", "[{name: a, $patch: delete}]"),
            R"({"spec":{"containers":[{"name":"b"}]}})");
  EXPECT_EQ(Containers("[{name: a}, {name: b}]", "[{$patch: replace}, {name: c}]"),
            R"({"spec":{"containers":[{"name":"c"}]}})");
  EXPECT_EQ(Containers("[{name: a}, {name: b}]", "[{$patch: delete}]"), R"({"spec":{}})");
  EXPECT_EQ(Containers("[{name: a, x: 1}]", "[{$patch: merge}, {name: a, y: 1}]"),
            R"({"spec":{"containers":[{"name":"a","x":1,"y":1}]}})");
}

TEST(StrategicMerge, OfTwoElementsWithOneKeyTheLastStays) {
  EXPECT_EQ(Containers("[{name: a, x: 1}, {name: b}, {name: a, x: 2}]", "[]"),
            R"({"spec":{"containers":[{"name":"a","x":2},{"name":"b"}]}})");
}

TEST(StrategicMerge, UnitesListsOfScalarsPatchFirst) {
  EXPECT_EQ(Merged(kPod, "metadata: {finalizers: [a, b, a]}", "metadata: {finalizers: [c, b]}"),
            R"({"metadata":{"finalizers":["c","b","a"]}})");
}

TEST(StrategicMerge, GoesByTwoKeysWhereBothAreStated) {
  const auto ports = [](absl::string_view base, absl::string_view patch) {
    return Containers(absl::StrCat("[{name: a, ports: ", base, "}]"),
                      absl::StrCat("[{name: a, ports: ", patch, "}]"));
  };
  EXPECT_EQ(ports("[{containerPort: 80, protocol: TCP}]", "[{containerPort: 80, protocol: UDP}]"),
            R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"protocol":"UDP"},)"
            R"({"containerPort":80,"protocol":"TCP"}]}]}})");
  EXPECT_EQ(ports("[{containerPort: 80}]", "[{containerPort: 80, name: x}, {containerPort: 81}]"),
            R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"x"},)"
            R"({"containerPort":81}]}]}})");
  EXPECT_EQ(ports("[{containerPort: 80}]", "[{containerPort: 80, protocol: UDP}]"),
            R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]}]}})");
}

TEST(StrategicMerge, KeepsTheQuotesOfWhatItReplaces) {
  EXPECT_EQ(
      Merged(kCustom, "a: \"80\"\nb: plain\nc: 1\nd: 'x'", "a: 81\nb: 82\nc: \"83\"\nd: 0x10"),
      R"({"a":"81","b":82,"c":"83","d":"0x10"})");
}

TEST(StrategicMerge, RefusesAnotherTypeAndSaysWhere) {
  Value target = Read(kCustom, "a: {b: [1]}");
  Place fault;
  const auto outcome = ApplyStrategicMerge(&target, Read(kCustom, "a:\n  b: {c: 1}"),
                                           MergeSchema::BuiltIn(), &fault);
  EXPECT_THAT(outcome, StatusIs(absl::StatusCode::kInvalidArgument,
                                "a.b: the patch has a mapping where the resource has a list; "
                                "write the same"));
  EXPECT_EQ(fault.line, 4u);
}

TEST(StrategicMerge, KnowsAnObjectInsideAnother) {
  EXPECT_EQ(
      Merged(kCustom, "t: {apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}",
             "t: {spec: {containers: [{name: b}]}}"),
      R"({"t":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"b"},{"name":"a"}]}}})");
}

TEST(StrategicMerge, MayBeAppliedAgain) {
  const Value patch = Read(kPod, "spec: {containers: [{name: a, $patch: delete}]}");
  for (int i = 0; i < 2; ++i) {
    Value target = Read(kPod, "spec: {containers: [{name: a}, {name: b}]}");
    ASSERT_OK(ApplyStrategicMerge(&target, patch, MergeSchema::BuiltIn()));
    EXPECT_EQ(target.Find("spec")->Find("containers")->AsArray().size(), 1u);
  }
}

TEST(StrategicMerge, RefusesALongListWithoutKeys) {
  std::string base = "spec:\n  containers:\n";
  for (int i = 0; i < 2001; ++i) base += "  - {image: x}\n";
  Value target = Read(kPod, base);
  EXPECT_THAT(Apply(kPod, "metadata: {labels: {a: b}}", &target),
              StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("2001 elements")));
}

TEST(StrategicMerge, MergesLongListsByAnIndex) {
  std::string base = "spec:\n  containers:\n";
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&base, "  - {name: c", i, "}\n");
  Value target = Read(kPod, base);
  ASSERT_OK(Apply(kPod, base, &target));
  EXPECT_EQ(target.Find("spec")->Find("containers")->AsArray().size(), 20'000u);
}

}  // namespace
}  // namespace lockstep
