#include "common/object/yaml_writer.h"

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/common/object/random_value.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

std::string Written(absl::string_view yaml) {
  absl::StatusOr<std::vector<Value>> documents = ReadYaml(yaml, "x.yaml");
  EXPECT_OK(documents);
  return documents.ok() ? WriteYaml(documents->front()) : "";
}

std::string WrittenText(absl::string_view text) {
  Value object = Value::MakeObject();
  object.AsObject().Set("a", Value::String(text));
  return WriteYaml(object);
}

TEST(WriteYaml, LaysOutAsKubectlDoes) {
  constexpr absl::string_view kYaml = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  annotations: {}
  name: web
spec:
  paused: false
  replicas: 3
  template:
    spec:
      containers:
      - args:
        - --v=2
        - -x
        command: []
        image: nginx:1.25
        name: web
      - name: side
  matrix:
  - - 1
    - 2
  - - null
  script: |
    #!/bin/sh
    echo "hi"

    exit 0
)";
  EXPECT_EQ(Written(kYaml), kYaml);
}

TEST(WriteYaml, QuotesOnlyWhatWouldBeReadAsSomethingElse) {
  EXPECT_EQ(WrittenText("plain words"), "a: plain words\n");
  EXPECT_EQ(WrittenText("nginx:1.25"), "a: nginx:1.25\n");
  EXPECT_EQ(WrittenText("caf\xc3\xa9"), "a: caf\xc3\xa9\n");
  EXPECT_EQ(WrittenText(""), "a: \"\"\n");
  EXPECT_EQ(WrittenText("yes"), "a: \"yes\"\n");
  EXPECT_EQ(WrittenText("1.10"), "a: \"1.10\"\n");
  EXPECT_EQ(WrittenText("0o17"), "a: \"0o17\"\n");
  EXPECT_EQ(WrittenText("2020-01-01"), "a: \"2020-01-01\"\n");
  EXPECT_EQ(WrittenText("12:30:45"), "a: \"12:30:45\"\n");
  EXPECT_EQ(WrittenText("a: b"), "a: 'a: b'\n");
  EXPECT_EQ(WrittenText("it's #1 #"), "a: 'it''s #1 #'\n");
  EXPECT_EQ(WrittenText("*"), "a: '*'\n");
  EXPECT_EQ(WrittenText("a\tb"), "a: \"a\\tb\"\n");
  EXPECT_EQ(WrittenText("\xe2\x80\xa8\x7f"), "a: \"\\u2028\\x7F\"\n");
}

TEST(WriteYaml, WritesLinesAsALiteralBlock) {
  EXPECT_EQ(WrittenText("x\ny\n"), "a: |\n  x\n  y\n");
  EXPECT_EQ(WrittenText("x\ny"), "a: |-\n  x\n  y\n");
  EXPECT_EQ(WrittenText("x\n\n\n"), "a: |+\n  x\n\n\n");
  EXPECT_EQ(WrittenText("  x\ny\n"), "a: |2\n    x\n  y\n");
  EXPECT_EQ(WrittenText("\n"), "a: \"\\n\"\n");
}

TEST(WriteYaml, WritesLongKeysOnALineOfTheirOwn) {
  const std::string key(200, 'k');
  Value object = Value::MakeObject();
  object.AsObject().Set(key, Value::Int(1));
  EXPECT_EQ(WriteYaml(object), "? " + key + "\n: 1\n");
}

TEST(WriteYaml, JoinsDocuments) {
  EXPECT_EQ(WriteYamlDocuments({Value::Int(1), Value::MakeArray(), Value::Null()}),
            "1\n---\n[]\n---\nnull\n");
}

TEST(WriteYaml, ReadGivesBackTheSameValue) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("LOCKSTEP_SEED=", seed));
  SeededRng rng(seed);
  for (int i = 0; i < 20'000; ++i) {
    const Value value = RandomValue(&rng, 4);
    const std::string yaml = WriteYaml(value);
    const absl::StatusOr<std::vector<Value>> documents = ReadYaml(yaml, "x.yaml");
    ASSERT_OK(documents) << CanonicalJson(value) << "\n" << yaml;
    ASSERT_EQ(documents->size(), 1U) << yaml;
    ASSERT_EQ(CanonicalJson(documents->front()), CanonicalJson(value)) << yaml;
    ASSERT_TRUE(documents->front() == value) << yaml;
    ASSERT_EQ(WriteYaml(documents->front()), yaml);
  }
}

}  // namespace
}  // namespace lockstep
