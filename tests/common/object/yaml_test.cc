#include "common/object/yaml.h"

#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

std::string Read(absl::string_view yaml) {
  const absl::StatusOr<std::vector<Value>> documents = ReadYaml(yaml, "web.yaml");
  if (!documents.ok()) return std::string(documents.status().message());
  std::string text;
  for (const Value& document : *documents) absl::StrAppend(&text, CanonicalJson(document), "\n");
  return text;
}

TEST(ReadYaml, ReturnsEveryDocumentWithItsPlace) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> documents,
                       ReadYaml("a: 1\n---\n---\n# nothing\n---\n- b\n--- text\n", "x.yaml"));
  ASSERT_EQ(documents.size(), 5U);
  EXPECT_EQ(documents[0].place().line, 1U);
  EXPECT_TRUE(documents[1].IsNull());
  EXPECT_EQ(documents[1].place().line, 3U);
  EXPECT_TRUE(documents[2].IsNull());
  EXPECT_EQ(documents[3].place().line, 6U);
  EXPECT_EQ(documents[4].AsString(), "text");
  EXPECT_EQ(documents[4].place().line, 7U);
  EXPECT_EQ(documents[4].place().column, 5U);
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> none, ReadYaml("# only a comment\n", "x.yaml"));
  EXPECT_TRUE(none.empty());
}

TEST(ReadYaml, KnowsWhereEveryValueStands) {
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Value> documents,
      ReadYaml("spec:\n  template: &t\n    image: x\n  copy: *t\n  \xc3\xa9: [1, 2]\n", "x.yaml"));
  const Value& spec = *documents[0].Find("spec");
  EXPECT_EQ(spec.Find("template")->Find("image")->place().line, 3U);
  EXPECT_EQ(spec.Find("template")->Find("image")->place().column, 12U);
  EXPECT_EQ(spec.Find("copy")->Find("image")->place().line, 3U);
  const Value& second = spec.Find("\xc3\xa9")->AsArray()[1];
  EXPECT_EQ(second.place().line, 5U);
  EXPECT_EQ(second.place().column, 10U);  // In characters, not bytes.
}

TEST(ReadYaml, ErrorsSayWhereWhatAndWhatToDo) {
  EXPECT_EQ(Read("a: [1, 2\n"),
            "web.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that "
            "begins in line 1; correct the YAML there");
  EXPECT_EQ(Read("a: 1\nb: *x\n"),
            "web.yaml:2:4: no anchor &x stands before this alias; add it or write the value out");
  EXPECT_EQ(
      Read("a: .inf\n"),
      "web.yaml:1:4: infinity and not-a-number cannot be written as JSON; quote it if text is "
      "meant");
  EXPECT_EQ(Read("~: a\n"), "web.yaml:1:1: null cannot be a key; quote it if text is meant");
  EXPECT_EQ(Read("a: 1\n? [b]\n: c\n"), "web.yaml:2:3: a list cannot be a key; make it text");
  EXPECT_EQ(Read("%YAML 1.2\n---\na: 1\n"),
            "web.yaml:1:1: %YAML 1.2 is not the version that Kubernetes reads; remove the line");
  EXPECT_EQ(Read("a: 1\nb: \x07\n"),
            "web.yaml:2:4: control characters are not allowed; remove the character");
}

TEST(ReadYaml, MergesLaterOverEarlier) {
  EXPECT_EQ(Read("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n"),
            "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"b\":1,\"c\":3}}\n");
  EXPECT_EQ(Read("a: &x {b: 1}\nd: {b: 2, <<: *x}\n"), "{\"a\":{\"b\":1},\"d\":{\"b\":1}}\n");
  EXPECT_EQ(Read("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n"),
            "{\"a\":{\"b\":1},\"c\":{\"b\":2,\"d\":3},\"e\":{\"b\":1,\"d\":3}}\n");
  EXPECT_THAT(Read("<<: [1]\n"), HasSubstr("web.yaml:1:1: \"<<\" merges a mapping"));
  EXPECT_THAT(Read("a: &x {b: 1}\nc: {<<: *x, b: 1, b: 2}\n"), HasSubstr("the key \"b\""));
}

TEST(ReadYaml, AnchorsOutliveWhatReplacesTheirValues) {
  EXPECT_EQ(
      Read("m: &m {k: {i: 9}}\na: {k: &x {i: [1]}, <<: *m, z: *x}\nb: *x\n"),
      "{\"a\":{\"k\":{\"i\":9},\"z\":{\"i\":[1]}},\"b\":{\"i\":[1]},\"m\":{\"k\":{\"i\":9}}}\n");
  EXPECT_EQ(Read("a: {<<: &x {b: &y [1, 2]}}\nc: *x\nd: *y\n"),
            "{\"a\":{\"b\":[1,2]},\"c\":{\"b\":[1,2]},\"d\":[1,2]}\n");
  EXPECT_EQ(Read("&k yes: &v 012\n? *k\n: 1\n").substr(0, 15), "web.yaml:2:3: t");
  EXPECT_EQ(Read("a: &x 1.5e6\nb: {*x : *x}\n"), "{\"a\":1500000,\"b\":{\"1.5e+06\":1500000}}\n");
}

TEST(ReadYaml, AnchorsEndWithTheirDocument) {
  EXPECT_THAT(Read("a: &x 1\n---\nb: *x\n"), HasSubstr("web.yaml:3:4: no anchor &x"));
}

TEST(ReadYaml, TheTagThatLibyamlDropsMakesAString) {
  EXPECT_EQ(Read("\xc3\xa9: ! 1\na: 2\nb: ! # why\n  yes\nc: &x ! ~\nd: *x\ne: ! \"3\"\nf: !\n"),
            "{\"a\":2,\"b\":\"yes\",\"c\":\"~\",\"d\":\"~\",\"e\":\"3\",\"f\":\"\",\"\xc3\xa9\":"
            "\"1\"}\n");
  EXPECT_EQ(Read("a:\n!b c: 1\n"), "{\"a\":null,\"c\":1}\n");
  EXPECT_EQ(Read("a: &x\n!b c: 1\n"), "{\"a\":null,\"c\":1}\n");
  EXPECT_EQ(Read("\xef\xbb\xbf"
                 "a: ! 1\nb: 1 # !\n"),
            "{\"a\":\"1\",\"b\":1}\n");
}

TEST(ReadYaml, RefusesMoreThanItsLimits) {
  const auto read = [](absl::string_view yaml, const YamlLimits& limits) {
    return ReadYaml(yaml, "x.yaml", limits);
  };
  constexpr auto kLimit = absl::StatusCode::kResourceExhausted;
  EXPECT_THAT(read("a: 1\n", {.bytes = 4}), StatusIs(kLimit, HasSubstr("over 4")));
  EXPECT_THAT(read("a\n---\nb\n---\nc\n", {.documents = 2}),
              StatusIs(kLimit, HasSubstr("x.yaml:4:1: more than 2 documents")));
  EXPECT_OK(read("a: {b: {c: 1}}\n", {.nodes = 4}));
  EXPECT_THAT(read("a: {b: {c: 1}}\n", {.nodes = 3}),
              StatusIs(kLimit, HasSubstr("x.yaml:1:12: more than 3 values")));
  EXPECT_OK(read("a: &x [1]\nb: *x\n", {.nodes = 5}));
  EXPECT_THAT(read("a: &x [1]\nb: *x\n", {.nodes = 4}), StatusIs(kLimit, HasSubstr("x.yaml:2:4")));
  EXPECT_OK(read("a: &x [1]\nb: *x\n", {.depth = 2}));
  EXPECT_THAT(read("a: &x [1]\nb: [*x]\n", {.depth = 2}),
              StatusIs(kLimit, HasSubstr("x.yaml:2:5: too deep")));
}

}  // namespace
}  // namespace lockstep
