#include "common/render/replacement/field_path.h"

#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/render/replacement/scalar_text.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

using Parts = std::vector<std::string>;

Value Read(absl::string_view text) {
  absl::StatusOr<Value> value = ReadText(text);
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

/// What LookUp finds, in JSON; "nothing"; or the message.
std::string Look(absl::string_view text, absl::string_view path) {
  Value root = Read(text);
  const absl::StatusOr<Value*> found = LookUp(SplitFieldPath(path), &root);
  if (!found.ok()) return std::string(found.status().message());
  return *found == nullptr ? "nothing" : WriteJson(**found, 0);
}

/// What FindAll finds, in JSON, and what the document is then.
std::string Find(absl::string_view text, absl::string_view path, Create create = Create::kNothing) {
  Value root = Read(text);
  const absl::StatusOr<FoundPlaces> found = FindAll(SplitFieldPath(path), create, &root);
  if (!found.ok()) return std::string(found.status().message());
  std::string out;
  for (const Value* place : found->places) absl::StrAppend(&out, WriteJson(*place, 0), " ");
  return create == Create::kNothing ? out : absl::StrCat(out, "in ", WriteJson(root, 0));
}

TEST(FieldPath, IsSplitAtDots) {
  EXPECT_EQ(SplitFieldPath("a.b.c"), (Parts{"a", "b", "c"}));
  EXPECT_EQ(SplitFieldPath(".a.b"), (Parts{"a", "b"}));
  EXPECT_EQ(SplitFieldPath("a\\.b.c\\.d\\.e"), (Parts{"a.b", "c.d.e"}));
  EXPECT_EQ(SplitFieldPath("a.[n=x.y].c"), (Parts{"a", "[n=x.y]", "c"}));
  EXPECT_EQ(SplitFieldPath("a.[x.y/z].c"), (Parts{"a", "x.y/z", "c"}));
  EXPECT_EQ(SplitFieldPath("a.[n=x]"), (Parts{"a", "[n=x]"}));
}

TEST(FieldPath, LooksUpExactSteps) {
  constexpr absl::string_view kText = "{a: {b: 1}, l: [{n: x, v: 1}, {n: xy, v: 2}], s: [p, q]}";
  EXPECT_EQ(Look(kText, "a.b"), "1");
  EXPECT_EQ(Look(kText, "a.c.d"), "nothing");
  EXPECT_EQ(Look(kText, "l.[n=xy].v"), "2");
  EXPECT_EQ(Look(kText, "l.[n=y].v"), "nothing");
  EXPECT_EQ(Look(kText, "s.[=q]"), "\"q\"");
  EXPECT_EQ(Look(kText, "l.0.v"), "1");
  EXPECT_EQ(Look(kText, "l.-.v"), "2");
  EXPECT_EQ(Look(kText, "l.5"), "nothing");
  EXPECT_EQ(Look(kText, "l.*"), "\"*\" is for targets; a source is one field");
  EXPECT_EQ(Look(kText, "a.0"), "\"0\" needs a list, there is a mapping");
  EXPECT_EQ(Look(kText, "s.x"), "\"x\" needs a mapping, there is a list");
}

TEST(FieldPath, FindsAllPlacesByExpressions) {
  constexpr absl::string_view kText = "{l: [{n: xa, v: 1}, {n: xb, v: 2}, {v: 3}], s: [p, \"7\"]}";
  EXPECT_EQ(Find(kText, "l.[n=x.*].v"), "1 2 ");
  EXPECT_EQ(Find(kText, "l.[n=b].v"), "2 ");
  EXPECT_EQ(Find(kText, "l.[n=^b].v"), "");
  EXPECT_EQ(Find(kText, "l.*.v"), "1 2 3 ");
  EXPECT_EQ(Find(kText, "l.1.v"), "2 ");
  EXPECT_EQ(Find(kText, "s.[=^p]"), "\"p\" ");
  EXPECT_EQ(Find(kText, "l.3"), "index 3 is given, but the list has 3 elements");
  EXPECT_EQ(Find(kText, "x.y"), "");
  EXPECT_THAT(Find(kText, "l.[n=(].v"), testing::HasSubstr("("));
  EXPECT_EQ(Find(kText, "l.[n].v"), "\"[n]\" picks no element; write [key=value]");
}

TEST(FieldPath, MakesWhatIsMissing) {
  EXPECT_EQ(Find("{}", "a.b", Create::kScalar), R"(null in {"a":{"b":null}})");
  EXPECT_EQ(Find("{}", "a.[n=x].v", Create::kScalar), R"(null in {"a":[{"n":"x","v":null}]})");
  EXPECT_EQ(Find("{l: [1]}", "l.1", Create::kScalar), R"(null in {"l":[1,null]})");
  EXPECT_EQ(Find("{l: [1]}", "l.2", Create::kScalar),
            "index 2 is given, but the list has 1 elements");
  EXPECT_EQ(Find("{}", "a", Create::kMapping), R"({} in {"a":{}})");
}

TEST(FieldPath, DoesNotGoOnForEver) {
  // The element that is made does not match the expression that it is made of.
  EXPECT_EQ(Find("{l: []}", "l.[n=a+b]", Create::kScalar), R"(in {"l":[{"n":"a+b"}]})");
  EXPECT_EQ(Find("{}", std::string(300, '.'), Create::kScalar), "the path has over 128 parts");
}

}  // namespace
}  // namespace lockstep::kustomize
