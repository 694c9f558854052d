#include "common/render/replacement/replacement.h"

#include <gtest/gtest.h>

#include "common/object/yaml.h"
#include "common/object/yaml_writer.h"
#include "common/render/replacement/scalar_text.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

std::vector<Resource> Read(absl::string_view text) {
  YamlOptions options;
  options.dialect = YamlOptions::Dialect::kGoYaml3;
  options.keep_source_text = true;
  std::vector<Resource> resources;
  absl::StatusOr<std::vector<Value>> documents = ReadYamlWith(text, "input.yaml", options);
  EXPECT_OK(documents);
  if (!documents.ok()) return resources;
  for (Value& document : *documents) resources.emplace_back(std::move(document));
  return resources;
}

constexpr absl::string_view kTwo =
    "{apiVersion: v1, kind: Source, metadata: {name: s}, spec: {text: new, number: 8080, quoted: "
    "\"9\", "
    "list: [1, 2], path: a/b/c}}\n"
    "---\n"
    "{apiVersion: v1, kind: Target, metadata: {name: t, labels: {a: b}}, spec: {text: old, number: "
    "1, "
    "quoted: \"1\", url: x/y/z, items: [{name: a, v: 1}, {name: b, v: 2}]}}\n";

Replacement FromTo(std::string from, std::string to) {
  Replacement replacement;
  replacement.source = Replacement::Source{.kind = "Source", .field_path = std::move(from)};
  Replacement::Target target;
  target.select = SelectorSpec{.kind = "Target"};
  target.field_paths = {std::move(to)};
  replacement.targets = {std::move(target)};
  return replacement;
}

/// The target's spec afterwards, or the message.
std::string Carry(const Replacement& replacement, absl::string_view text = kTwo) {
  std::vector<Resource> resources = Read(text);
  const absl::Status status = Replace(replacement, &resources);
  if (!status.ok()) return std::string(status.message());
  return WriteYaml(*resources[1].value.Find("spec"));
}

/// What the one field that changes is then.
std::string Field(const Replacement& replacement, absl::string_view name) {
  const std::string spec = Carry(replacement);
  const size_t at = spec.find(absl::StrCat(name, ": "));
  if (at == std::string::npos) return spec;
  return spec.substr(at, spec.find('\n', at) - at);
}

TEST(Replace, CopiesAField) {
  EXPECT_EQ(Field(FromTo("spec.text", "spec.text"), "text"), "text: new");
  EXPECT_EQ(Field(FromTo("", "spec.text"), "text"), "text: s");
}

TEST(Replace, AScalarKeepsItsType) {
  EXPECT_EQ(Field(FromTo("spec.quoted", "spec.number"), "number"), "number: 9");
  EXPECT_EQ(Field(FromTo("spec.number", "spec.quoted"), "quoted"), "quoted: \"8080\"");
  EXPECT_EQ(Field(FromTo("spec.number", "spec.text"), "text"), "text: \"8080\"");
  EXPECT_THAT(Carry(FromTo("spec.text", "spec.number")),
              testing::HasSubstr("targets[0]: fieldPath spec.number of "));
}

TEST(Replace, AFieldThatIsMadeTakesTheTypeOfTheText) {
  Replacement replacement = FromTo("spec.quoted", "spec.fresh");
  EXPECT_THAT(Carry(replacement), testing::HasSubstr("options.create: true makes it"));
  replacement.targets->at(0).options.create = true;
  EXPECT_EQ(Field(replacement, "fresh"), "fresh: 9");
}

TEST(Replace, WhatIsNoScalarIsReplacedWhole) {
  EXPECT_THAT(Carry(FromTo("spec.list", "spec.items")), testing::HasSubstr("items:\n- 1\n- 2\n"));
}

TEST(Replace, TakesAndPutsPieces) {
  Replacement replacement = FromTo("spec.path", "spec.url");
  replacement.source->options = {.delimiter = "/", .index = 1};
  EXPECT_EQ(Field(replacement, "url"), "url: b");
  Replacement::Options& to = replacement.targets->at(0).options;
  to = {.delimiter = "/", .index = 1};
  EXPECT_EQ(Field(replacement, "url"), "url: x/b/z");
  to.index = -1;
  EXPECT_EQ(Field(replacement, "url"), "url: b/x/y/z");
  to.index = 7;
  EXPECT_EQ(Field(replacement, "url"), "url: x/y/z/b");
  replacement.source->options.index = 3;
  EXPECT_THAT(Carry(replacement), testing::HasSubstr("options.index 3 is out of bounds"));
}

TEST(Replace, SelectsByFormerNamesAndRejects) {
  Replacement replacement = FromTo("spec.text", "spec.text");
  replacement.targets->at(0).select = SelectorSpec{.name = "t.*", .label_selector = "a=b"};
  EXPECT_EQ(Field(replacement, "text"), "text: new");
  replacement.targets->at(0).reject = {SelectorSpec{.kind = "Tar"}};
  EXPECT_EQ(Field(replacement, "text"), "text: new");
  replacement.targets->at(0).reject = {SelectorSpec{.kind = "Tar.*"}};
  EXPECT_EQ(Field(replacement, "text"), "text: old");
  replacement.targets->at(0).reject = {SelectorSpec{.label_selector = "a"}};
  EXPECT_EQ(Field(replacement, "text"), "text: old");
}

TEST(Replace, NeedsOneSource) {
  Replacement replacement = FromTo("spec.text", "spec.text");
  replacement.source->kind = "";
  EXPECT_THAT(Carry(replacement), testing::HasSubstr("selects more than one object"));
  replacement.source->name = "none";
  EXPECT_EQ(Carry(replacement), "source: nothing is selected by name none");
  replacement.source = std::nullopt;
  EXPECT_EQ(Carry(replacement), "a replacement needs a source and at least one target");
  replacement.source_value = "literal";
  EXPECT_EQ(Field(replacement, "text"), "text: literal");
}

TEST(Replace, TellsWhatIsMissing) {
  EXPECT_THAT(Carry(FromTo("spec.none", "spec.text")),
              testing::HasSubstr("fieldPath spec.none is missing in"));
  Replacement replacement = FromTo("spec.text", "spec.text");
  replacement.targets->at(0).select = std::nullopt;
  EXPECT_EQ(Carry(replacement),
            "targets[0]: select is missing; say which objects the value is for");
}

std::string InText(absl::string_view text, std::string path) {
  std::vector<Resource> resources = Read(kTwo);
  resources[1].value.Find("spec")->AsObject().Set("config", Value::String(text));
  const absl::Status status = Replace(FromTo("spec.text", std::move(path)), &resources);
  if (!status.ok()) return std::string(status.message());
  return resources[1].value.Find("spec")->Find("config")->AsString();
}

TEST(Replace, GoesOnInsideOfJsonAndYaml) {
  EXPECT_EQ(InText("{\"b\": {\"x\": \"<1>\"}, \"a\": 1}", "spec.config.b.x"),
            "{\"a\":1,\"b\":{\"x\":\"new\"}}");
  EXPECT_EQ(InText("{\n  \"b\": \"&\",\n  \"a\": [1]\n}", "spec.config.a"),
            "{\n  \"a\": \"new\",\n  \"b\": \"\\u0026\"\n}");
  EXPECT_EQ(InText("b:\n  x: \"old\" # here\na: [1, 2]\n", "spec.config.b.x"),
            "b:\n  x: \"new\" # here\na: [1, 2]");
  EXPECT_THAT(InText("b: 1", "spec.config.c"), testing::HasSubstr("there is no such field"));
}

}  // namespace
}  // namespace lockstep::kustomize
