// The attacks of SECURITY 1.2 on the reader of manifests.

#include <functional>
#include <pthread.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/object/diff.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

std::string Repeated(absl::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (; count > 0; --count) out.append(text.data(), text.size());
  return out;
}

// Runs `body` on a thread with a stack of 256 KB.
void OnSmallStack(std::function<void()> body) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &body), 0);
  pthread_attr_destroy(&attributes);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
}

TEST(YamlAttack, A26DeepNestingIsRefusedOnASmallStack) {
  constexpr size_t kLevels = 100'000;
  std::string indented;
  for (size_t i = 0; i < 2000; ++i) absl::StrAppend(&indented, std::string(i, ' '), "a:\n");
  const std::vector<std::string> documents = {Repeated("[", kLevels),
                                              Repeated("{", kLevels),
                                              Repeated("? ", kLevels),
                                              Repeated("- ", kLevels),
                                              Repeated("{a: ", kLevels),
                                              Repeated("[{a: ", kLevels),
                                              indented};
  OnSmallStack([&documents] {
    for (const std::string& document : documents) {
      EXPECT_THAT(ReadYaml(document, "deep.yaml"),
                  testing::AnyOf(
                      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("too deep")),
                      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot be a key"))))
          << document.substr(0, 10);
    }
    // What is just allowed is read, copied, compared, written and freed here too.
    const std::string most = Repeated("[", 63) + "{a: 1}" + Repeated("]", 63);
    ASSERT_OK_AND_ASSIGN(const std::vector<Value> read, ReadYaml(most, "deep.yaml"));
    const std::vector<Value> copy = read;
    EXPECT_TRUE(copy == read);
    EXPECT_THAT(CanonicalJson(copy[0]), HasSubstr("{\"a\":1}"));
  });
}

TEST(YamlAttack, A26AliasesDoNotDeepenBeyondTheLimit) {
  std::string yaml = "a0: &a0 [x]\n";
  for (int i = 1; i <= 64; ++i) absl::StrAppend(&yaml, "a", i, ": &a", i, " [*a", i - 1, "]\n");
  EXPECT_THAT(ReadYaml(yaml, "deep.yaml"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("deep.yaml:64:")));
}

// Ten aliases of the level below on each of `levels` levels.
std::string Bomb(int levels, absl::string_view open, absl::string_view close) {
  std::string yaml = absl::StrCat("a0: &a0 ", open, "x", close, "\n");
  for (int i = 1; i <= levels; ++i) {
    absl::StrAppend(&yaml, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&yaml, j > 0 ? ", *a" : "*a", i - 1);
    absl::StrAppend(&yaml, "]\n");
  }
  return yaml;
}

TEST(YamlAttack, A27AliasBombsStopAtTheBudgetOfNodes) {
  for (const int levels : {6, 9, 30}) {
    EXPECT_THAT(ReadYaml(Bomb(levels, "[", "]"), "bomb.yaml"),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("bomb.yaml:6:50: more than 200000 values")));
  }
  // Long texts and merge keys are no way round the budget.
  const std::string text = absl::StrCat("a: &a ", std::string(1 << 20, 'x'), "\n");
  EXPECT_THAT(ReadYaml(text + "b: [" + Repeated("*a, ", 100) + "]\n", "bomb.yaml"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 200000 values")));
  EXPECT_THAT(ReadYaml("b: &b\n  " + text + "c: [" + Repeated("*b, ", 100) + "]\n", "bomb.yaml"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 200000 values")));
  std::string merges = "a: &a {";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&merges, "k", i, ": 1, ");
  absl::StrAppend(&merges, "}\n");
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&merges, "m", i, ": {<<: *a}\n");
  EXPECT_THAT(ReadYaml(merges, "bomb.yaml"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 200000 values")));
}

// The place of the refusal is how much was made before it.
TEST(YamlAttack, A27LongTextsCountByTheirBytesWhereverTheyAreRepeated) {
  const YamlLimits limits = {.nodes = 1000};
  const std::string text = absl::StrCat("a: &a ", std::string(6400, 'x'), "\nb:\n");
  EXPECT_THAT(ReadYaml(text + Repeated("- *a\n", 100), "long.yaml", limits),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("long.yaml:12:3: more")));
  EXPECT_THAT(ReadYaml(text + Repeated("- *a : 1\n", 100), "long.yaml", limits),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("long.yaml:12:3: more")));
  const std::string key = absl::StrCat("a: &a {", std::string(1000, 'x'), ": 1}\nb:\n");
  EXPECT_THAT(ReadYaml(key + Repeated("- *a\n", 100), "long.yaml", limits),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("long.yaml:61:3: more")));
  EXPECT_OK(ReadYaml(text + Repeated("- *a : 1\n", 9), "long.yaml", limits));
}

TEST(YamlAttack, A27WhatIsMergedFromWithinCountsAtEveryLevel) {
  std::string mapping = "{";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&mapping, "k", i, ": 1, ");
  mapping += "}";
  const auto nested = [&mapping](size_t levels) {
    return Repeated("{<<: ", levels) + mapping + Repeated("}", levels);
  };
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> read,
                       ReadYaml(nested(2), "merge.yaml", {.nodes = 1000}));
  EXPECT_EQ(read[0].AsObject().size(), 100U);
  EXPECT_THAT(ReadYaml(nested(10), "merge.yaml", {.nodes = 1000}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 1000 values")));
  EXPECT_THAT(
      ReadYaml(Repeated("{<<: ", 30) + "{a: " + std::string(100'000, 'x') + "}" + Repeated("}", 30),
               "merge.yaml", {.nodes = 5000}),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 5000 values")));
}

TEST(YamlAttack, A27AliasesOfThemselvesAreRefused) {
  for (const absl::string_view yaml : {"a: &x [*x]\n", "a: &x {b: *x}\n", "&x {b: [{c: *x}]}\n",
                                       "a: &x {<<: *x}\n", "a: &x [&y [*x, *y]]\n"}) {
    EXPECT_THAT(ReadYaml(yaml, "cycle.yaml"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("*x would contain itself")));
  }
}

TEST(YamlAttack, A27ManyAnchorsAreReadAndKeepTheirMeaning) {
  std::string yaml;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&yaml, "- &a", i, " ", i, "\n");
  absl::StrAppend(&yaml, "- *a0\n- *a99999\n");
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> documents, ReadYaml(yaml, "anchors.yaml"));
  const Value::Array& items = documents[0].AsArray();
  ASSERT_EQ(items.size(), 100'002U);
  EXPECT_EQ(items[100'000].AsInt(), 0);
  EXPECT_EQ(items[100'001].AsInt(), 99'999);
}

TEST(YamlAttack, A28DuplicateKeysAreRefusedWithBothLines) {
  const auto message = [](absl::string_view yaml) {
    return std::string(ReadYaml(yaml, "dup.yaml").status().message());
  };
  EXPECT_EQ(message("kind: Pod\nmetadata: {}\nkind: Secret\n"),
            "dup.yaml:3:1: the key \"kind\" already stands in line 1; remove one of the two");
  EXPECT_THAT(message("metadata:\n  namespace: a\n  namespace: b\n"),
              HasSubstr("dup.yaml:3:3: the key \"namespace\" already stands in line 2"));
  EXPECT_THAT(message("spec:\n- image: a\n  name: b\n  \"image\": c\n"),
              HasSubstr("dup.yaml:4:3: the key \"image\" already stands in line 2"));
  EXPECT_THAT(message("a: &k image\nb:\n  image: x\n  *k : y\n"),
              HasSubstr("dup.yaml:4:3: the key \"image\" already stands in line 3"));
  EXPECT_THAT(message("yes: 1\ntrue: 2\n"), HasSubstr("the key \"true\" already stands in line 1"));
  std::string many;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&many, "k", i, ": 1\n");
  EXPECT_THAT(message(many + "k7: 2\n"),
              HasSubstr("dup.yaml:101:1: the key \"k7\" already stands in line 8"));
}

TEST(YamlAttack, A30ATextWithoutBytesIsAnEmptyFile) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> read, ReadYaml(absl::string_view(), "x.yaml"));
  EXPECT_TRUE(read.empty());
}

TEST(YamlAttack, A29ManyKeysAreRead) {
  for (const int count : {20'000, 100'000, 190'000}) {
    std::string yaml;
    for (int i = 0; i < count; ++i) absl::StrAppend(&yaml, "key-", i, ": v\n");
    ASSERT_OK_AND_ASSIGN(const std::vector<Value> documents, ReadYaml(yaml, "map.yaml"));
    const Object& object = documents[0].AsObject();
    ASSERT_EQ(object.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) ASSERT_TRUE(object.Contains(absl::StrCat("key-", i)));
  }
}

TEST(YamlAttack, A29LargeMapsAreComparedWrittenAndReadBack) {
  std::string yaml;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&yaml, "key-", i, ": v\n");
  ASSERT_OK_AND_ASSIGN(const std::vector<Value> before, ReadYaml(yaml, "map.yaml"));
  Value after = before[0];
  after.AsObject().Set("key-77777", Value::String("w"));
  EXPECT_EQ(DiffValues(before[0], after, 10).size(), 1u);
  ASSERT_OK_AND_ASSIGN(const Value back, ReadJson(CanonicalJson(after), "map.json"));
  EXPECT_TRUE(back == after);
}

TEST(YamlAttack, A29ManyMergesAndDirectivesAreLinear) {
  std::string yaml = "base: &b {x: 1}\nm:\n";
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&yaml, "  k", i, ": 1\n  <<: *b\n");
  EXPECT_OK(ReadYaml(yaml, "merge.yaml"));
  std::string tags;
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&tags, "%TAG !", i, "! tag:x\n");
  EXPECT_THAT(ReadYaml(tags + "---\na: 1\n", "tags.yaml"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("%TAG")));
}

TEST(YamlAttack, A30WhatIsNoUtf8IsRefusedWithItsPlace) {
  const auto message = [](absl::string_view yaml) {
    return std::string(ReadYaml(yaml, "x.yaml").status().message());
  };
  EXPECT_EQ(message("a: 1\nb: \xc3\xa9\xff\n"),
            "x.yaml:2:5: byte 0xff is not part of UTF-8; save the file as UTF-8");
  for (const absl::string_view bytes :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",  // Overlong.
        "\xed\xa0\x80", "\xed\xbf\xbf",                  // Surrogates.
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\x80", "\xc3"}) {
    EXPECT_THAT(message(absl::StrCat("a: ", bytes, "\n")), HasSubstr("is not part of UTF-8"));
    EXPECT_THAT(message(absl::StrCat(bytes, ": a\n")), HasSubstr("is not part of UTF-8"));
    EXPECT_THAT(message(absl::StrCat("a: b # ", bytes)), HasSubstr("is not part of UTF-8"));
    EXPECT_THAT(message(absl::StrCat("a: !!binary ", bytes, "\n")),
                HasSubstr("is not part of UTF-8"));
  }
  EXPECT_THAT(message("\xff\xfe"
                      "a"),
              HasSubstr("the file is UTF-16"));
  EXPECT_THAT(message("\xfe\xff"
                      "a"),
              HasSubstr("the file is UTF-16"));
  EXPECT_THAT(message(absl::string_view("a\0:\0 \0", 6)), HasSubstr("x.yaml:1:2: a NUL byte"));
  EXPECT_THAT(message("a: \"\\ud800\"\n"), HasSubstr("invalid Unicode character escape code"));
  EXPECT_THAT(message("a: !!binary /w==\n"), HasSubstr("no UTF-8"));
  EXPECT_OK(
      ReadYaml("\xef\xbb\xbf"
               "a: \xf0\x9f\x98\x80\n",
               "x.yaml"));
}

}  // namespace
}  // namespace lockstep
