#include "common/render/kustomize/field_spec.h"

#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

std::string Set(absl::string_view path, bool create, CreateKind kind, absl::string_view json) {
  FieldSpec spec;
  spec.path = std::string(path);
  spec.create = create;
  spec.Split();
  Value value = ReadJson(json, "x.json").value();
  const absl::Status status = VisitField(spec, kind, &value, [](Value* field) {
    *field = Value::String("set");
    return absl::OkStatus();
  });
  return status.ok() ? CanonicalJson(value) : std::string(status.message());
}

TEST(VisitField, GoesThroughLists) {
  EXPECT_EQ(Set("a/b", false, CreateKind::kNothing, R"({"a":[{"b":1},{"c":2},{"b":3}]})"),
            R"({"a":[{"b":"set"},{"c":2},{"b":"set"}]})");
}

TEST(VisitField, CreatesOnlyWhereBothSaySo) {
  EXPECT_EQ(Set("a/b", true, CreateKind::kScalar, "{}"), R"({"a":{"b":"set"}})");
  EXPECT_EQ(Set("a/b", false, CreateKind::kScalar, "{}"), "{}");
  EXPECT_EQ(Set("a/b", true, CreateKind::kNothing, "{}"), "{}");
}

TEST(VisitField, CreatesNothingBelowAList) {
  EXPECT_EQ(Set("a[]/b", true, CreateKind::kScalar, "{}"), "{}");
  EXPECT_EQ(Set("a[]/b", true, CreateKind::kScalar, R"({"a":null})"), R"({"a":[]})");
}

TEST(VisitField, ReplacesANullThatIsToHoldSomething) {
  EXPECT_EQ(Set("a/b", true, CreateKind::kScalar, R"({"a":null})"), R"({"a":{"b":"set"}})");
  EXPECT_EQ(Set("a/b", false, CreateKind::kScalar, R"({"a":null})"), R"({"a":null})");
}

TEST(VisitField, AScalarOnTheWayIsAnError) {
  EXPECT_EQ(Set("a/b", true, CreateKind::kScalar, R"({"a":1})"),
            "the path a/b leads through a integer, where a mapping or list should stand");
}

TEST(SplitPath, ABackslashKeepsASlash) {
  EXPECT_EQ(SplitPath("a/b\\/c/d", '/'), (std::vector<std::string>{"a", "b/c", "d"}));
  EXPECT_EQ(SplitPath("/a", '/'), (std::vector<std::string>{"a"}));
}

TEST(MergeFieldSpec, RefusesAnotherWishToCreate) {
  FieldSpec spec;
  spec.path = "a/b";
  FieldSpecs specs = {spec};
  EXPECT_OK(MergeFieldSpec(spec, &specs));
  EXPECT_EQ(specs.size(), 1U);
  spec.create = true;
  EXPECT_FALSE(MergeFieldSpec(spec, &specs).ok());
}

}  // namespace
}  // namespace lockstep::kustomize
