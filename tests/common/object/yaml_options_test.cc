#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr YamlOptions kKustomize = {.dialect = YamlOptions::Dialect::kGoYaml3,
                                    .keep_source_text = true};

Value ReadOne(absl::string_view yaml, const YamlOptions& options = kKustomize) {
  absl::StatusOr<std::vector<Value>> documents = ReadYamlWith(yaml, "web.yaml", options);
  EXPECT_OK(documents);
  return documents.ok() && !documents->empty() ? std::move(documents->front()) : Value();
}

TEST(ReadYamlWith, InGoYaml3YesAndNoAreText) {
  EXPECT_EQ(
      CanonicalJson(ReadOne("[yes, No, on, OFF, y, n, True, FALSE, ~, Null, 0777, 0o17, 08]")),
      R"(["yes","No","on","OFF","y","n",true,false,null,null,511,15,8])");
}

TEST(ReadYamlWith, KeepsHowScalarsWereWritten) {
  const Value value = ReadOne("[1.10, True, 0x1F, 12, ~, null, 2020-01-01, '2020-01-01', text]");
  const Value::Array& items = value.AsArray();
  EXPECT_EQ(items[0].source_text(), "1.10");
  EXPECT_EQ(items[1].source_text(), "True");
  EXPECT_EQ(items[2].source_text(), "0x1F");
  EXPECT_EQ(items[3].source_text(), "12");
  EXPECT_EQ(items[4].source_text(), "~");
  EXPECT_EQ(items[5].source_text(), "null");
  EXPECT_TRUE(items[6].is_plain_time());
  EXPECT_FALSE(items[7].is_plain_time());
  EXPECT_EQ(items[8].source_text(), "");
  const Value copy = items[0];
  EXPECT_EQ(copy.source_text(), "1.10");
  EXPECT_TRUE(copy == Value::Double(1.1));
  EXPECT_EQ(ReadOne("1.10", {}).source_text(), "");
}

TEST(ReadYamlWith, ANullOfNothingHasNoText) {
  const Value value = ReadOne("a:\nb: null\n");
  EXPECT_EQ(value.Find("a")->source_text(), "");
  EXPECT_EQ(value.Find("b")->source_text(), "null");
}

TEST(ReadYamlWith, InGoYaml3AWrittenKeyWinsOverAMergedOne) {
  const absl::string_view yaml = "base: &b {x: 1, y: 1}\nover:\n  x: 2\n  <<: *b\n";
  EXPECT_EQ(ReadOne(yaml).Find("over")->Find("x")->AsInt(), 2);
  EXPECT_EQ(ReadOne(yaml, {}).Find("over")->Find("x")->AsInt(), 1);
}

TEST(ReadYamlWith, InGoYaml3OnlyTheTopMayHaveIntegerKeys) {
  EXPECT_NE(ReadOne("1: x").Find("1"), nullptr);
  EXPECT_THAT(ReadYamlWith("a: {1: x}", "web.yaml", kKustomize).status().message(),
              HasSubstr("web.yaml:1:5: this key is no text"));
}

TEST(ReadYamlWith, LetsTheLastOfEqualKeysWin) {
  EXPECT_EQ(ReadOne("a: 1\na: 2\n", {.last_key_wins = true}).Find("a")->AsInt(), 2);
}

TEST(ReadYamlWith, CountsLinesFromTheFileAndValuesFromTheirBase) {
  const YamlOptions options = {.lines_before = 10, .line_base = 1000};
  EXPECT_EQ(ReadOne("a: 1\nb: 2\n", options).Find("b")->place().line, 1012U);
  EXPECT_THAT(ReadYamlWith("a: 1\na: 2\n", "web.yaml", options).status().message(),
              HasSubstr("web.yaml:12:1: the key \"a\" already stands in line 11"));
}

TEST(ReadYamlWith, StopsAfterTheFirstDocument) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> documents,
                       ReadYamlWith("a: 1\n--- b\n", "web.yaml", {.first_document_only = true}));
  EXPECT_EQ(documents.size(), 1U);
}

}  // namespace
}  // namespace lockstep
