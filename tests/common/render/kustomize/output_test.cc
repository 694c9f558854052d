#include <gtest/gtest.h>

#include "common/object/yaml.h"
#include "common/render/kustomize/build.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

std::string Print(absl::string_view yaml) {
  const YamlOptions options = {.dialect = YamlOptions::Dialect::kGoYaml3, .keep_source_text = true};
  absl::StatusOr<std::vector<Value>> documents = ReadYamlWith(yaml, "x.yaml", options);
  EXPECT_OK(documents);
  std::vector<Resource> resources;
  for (Value& document : *documents) resources.emplace_back(std::move(document));
  return WriteResources(resources).value();
}

TEST(WriteResources, SortsKeysNaturally) {
  EXPECT_EQ(Print("{f10: 1, f2: 1, ab: 1, a-b: 1, B: 1, a: 1, \"a\\u00e9\": 1}"),
            "B: 1\na: 1\na-b: 1\nab: 1\na\xc3\xa9: 1\nf2: 1\nf10: 1\n");
}

TEST(WriteResources, QuotesWhatWouldReadAsOther) {
  EXPECT_EQ(Print("[yes, 'y', '1', '1e3', '0x1', '12:30:45', '2020-01-01', '', '~', 'null', '=']"),
            "- \"yes\"\n- \"y\"\n- \"1\"\n- \"1e3\"\n- \"0x1\"\n- \"12:30:45\"\n- \"2020-01-01\"\n"
            "- \"\"\n- \"~\"\n- \"null\"\n- =\n");
  EXPECT_EQ(Print("['10.0.0.1:8080', '12:99', a1]"), "- 10.0.0.1:8080\n- 12:99\n- a1\n");
  EXPECT_EQ(Print("{'y': 1, 'on': 2}"), "\"on\": 2\n\"y\": 1\n");
}

TEST(WriteResources, ChoosesSingleQuotesWherePlainIsImpossible) {
  EXPECT_EQ(Print("['a: b', ' a', 'a ', '- a', '#a', 'a #b', \"it's: x\", '*']"),
            "- 'a: b'\n- ' a'\n- 'a '\n- '- a'\n- '#a'\n- 'a #b'\n- 'it''s: x'\n- '*'\n");
}

TEST(WriteResources, ChoosesDoubleQuotesForSpecialCharacters) {
  EXPECT_EQ(Print("[\"a\\tb\", \"\\U0001F600\", \"a\\x7f\", \"\\u00e9\"]"),
            "- \"a\\tb\"\n- \"\\U0001F600\"\n- \"a\\x7F\"\n- \xc3\xa9\n");
}

TEST(WriteResources, WritesLinesAsALiteralBlockWithItsChomping) {
  EXPECT_EQ(Print("a: \"x\\ny\"\n"), "a: |-\n  x\n  y\n");
  EXPECT_EQ(Print("a: \"x\\ny\\n\"\n"), "a: |\n  x\n  y\n");
  EXPECT_EQ(Print("a: \"x\\n\\n\"\n"), "a: |+\n  x\n\n");
  EXPECT_EQ(Print("a: \" x\\ny\"\n"), "a: |2-\n   x\n  y\n");
  EXPECT_EQ(Print("a: \"x \\ny\"\n"), "a: \"x \\ny\"\n");
}

TEST(WriteResources, FoldsAfterEightyCharacters) {
  const std::string long_word(79, 'a');
  EXPECT_EQ(Print("k: " + long_word + " b c\n"), "k: " + long_word + "\n  b c\n");
  EXPECT_EQ(Print("k: '" + long_word + ": b c'\n"), "k: '" + long_word + ":\n  b c'\n");
}

TEST(WriteResources, PrintsNumbersAsGoDoes) {
  EXPECT_EQ(Print("[1.10, 1e6, 1234567.5, 123456.5, 1e-5, 18446744073709551615, 1e20, -0.0]"),
            "- 1.1\n- 1000000\n- 1.2345675e+06\n- 123456.5\n- 1e-05\n- 18446744073709551615\n"
            "- 1e+20\n- 0\n");
}

TEST(WriteResources, PrintsPlainTimesInFull) {
  EXPECT_EQ(
      Print("[2020-1-2, 2020-01-02T03:04:05.500Z, 2020-01-02 03:04:05]"),
      "- \"2020-01-02T00:00:00Z\"\n- \"2020-01-02T03:04:05.5Z\"\n- \"2020-01-02T03:04:05Z\"\n");
}

TEST(WriteResources, IndentsNoListBelowItsKey) {
  EXPECT_EQ(Print("{a: [[1, 2], {b: []}], c: {}}"), "a:\n- - 1\n  - 2\n- b: []\nc: {}\n");
}

}  // namespace
}  // namespace lockstep::kustomize
