#include "agent/kube/managed_fields.h"

#include <string>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Value Json(absl::string_view text) {
  absl::StatusOr<Value> value = ReadJson(text, "test");
  EXPECT_OK(value);
  return value.ok() ? *std::move(value) : Value();
}

std::string Entry(absl::string_view manager, absl::string_view operation, absl::string_view fields,
                  absl::string_view time = "2026-11-24T10:00:00Z") {
  return absl::StrCat(R"({"manager":")", manager, R"(","operation":")", operation, R"(","time":")",
                      time, R"(","fieldsType":"FieldsV1","fieldsV1":)", fields, "}");
}

Value Metadata(std::initializer_list<std::string> entries) {
  std::string list;
  for (const std::string& entry : entries) absl::StrAppend(&list, list.empty() ? "" : ",", entry);
  return Json(absl::StrCat(R"({"managedFields":[)", list, "]}"));
}

constexpr char kOurs[] = R"({"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":
  {"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:name":{}}}}}},"f:metadata":{"f:labels":{"f:a":{}}}})";

const char kWanted[] = R"({"apiVersion":"apps/v1","kind":"Deployment",
  "metadata":{"name":"d","namespace":"n","labels":{"a":"1"}},
  "spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"web","image":"i:1"}]}}}})";

TEST(Mark, IsEqualUntilAFieldOfOursChanges) {
  const Value before = Metadata({Entry("lockstep", "Apply", kOurs)});
  const Value beside =
      Metadata({Entry("lockstep", "Apply", kOurs), Entry("hpa", "Update", R"({"f:status":{}})")});
  EXPECT_EQ(MarkOf(before), MarkOf(beside));
  EXPECT_NE(MarkOf(before), MarkOf(Metadata({Entry("lockstep", "Apply", R"({"f:spec":{}})")})));
  // Another program under our name.
  EXPECT_NE(MarkOf(before),
            MarkOf(Metadata({Entry("lockstep", "Apply", kOurs, "2026-11-24T10:00:01Z")})));
}

TEST(Mark, IsOnlyOfOurApplyEntry) {
  EXPECT_FALSE(MarkOf(Metadata({})).has_value());
  EXPECT_FALSE(MarkOf(Metadata({Entry("lockstep", "Update", kOurs)})).has_value());
  EXPECT_FALSE(MarkOf(Metadata({Entry("other", "Apply", kOurs)})).has_value());
  EXPECT_FALSE(MarkOf(Json("{}")).has_value());
  EXPECT_FALSE(MarkOf(Json(R"({"managedFields":[{}]})")).has_value());
}

TEST(LostFields, AreNoneWhereAllIsOurs) {
  EXPECT_THAT(LostFields(Json(kWanted), Metadata({Entry("lockstep", "Apply", kOurs)})), IsEmpty());
}

TEST(LostFields, NamePathAndWhoAndWhen) {
  const Value metadata = Metadata(
      {Entry("lockstep", "Apply",
             R"({"f:spec":{"f:template":{"f:spec":{"f:containers":
                {"k:{\"name\":\"web\"}":{".":{},"f:name":{}}}}}},"f:metadata":{"f:labels":{}}})"),
       Entry(
           "kubectl-edit", "Update",
           R"({"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:image":{}}}}}}})",
           "2026-11-24T11:00:00Z"),
       R"({"manager":"kubectl","operation":"Update","subresource":"scale","fieldsV1":{"f:spec":{"f:replicas":{}}}})"});
  const std::vector<LostField> lost = LostFields(Json(kWanted), metadata);
  ASSERT_THAT(lost, SizeIs(2));
  EXPECT_EQ(lost[0].path, ".spec.replicas");
  EXPECT_EQ(lost[0].manager, "kubectl");
  EXPECT_EQ(lost[0].time, absl::InfinitePast());
  EXPECT_EQ(lost[1].path, R"(.spec.template.spec.containers[name="web"].image)");
  EXPECT_EQ(lost[1].manager, "kubectl-edit");
  EXPECT_EQ(absl::FormatTime(lost[1].time, absl::UTCTimeZone()), "2026-11-24T11:00:00+00:00");
}

TEST(LostFields, ARemovedFieldHasNoManager) {
  const Value metadata = Metadata({Entry("lockstep", "Apply", R"({"f:data":{"f:b":{}}})")});
  const std::vector<LostField> lost = LostFields(Json(R"({"data":{"a":"1","b":"2"}})"), metadata);
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].path, ".data.a");
  EXPECT_EQ(lost[0].manager, "");
}

TEST(LostFields, AnItemOfAListIsNamedByItsKeys) {
  const Value metadata = Metadata({Entry(
      "lockstep", "Apply",
      R"({"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}})")});
  const Value wanted = Json(R"({"spec":{"ports":[{"port":80},{"port":443}]}})");
  const std::vector<LostField> lost = LostFields(wanted, metadata);
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].path, ".spec.ports[port=443]");
}

TEST(LostFields, ASetIsComparedByValue) {
  const Value metadata =
      Metadata({Entry("lockstep", "Apply", R"({"f:metadata":{"f:finalizers":{"v:\"a\"":{}}}})")});
  const std::vector<LostField> lost =
      LostFields(Json(R"({"metadata":{"finalizers":["a","b"]}})"), metadata);
  ASSERT_THAT(lost, SizeIs(1));
  EXPECT_EQ(lost[0].path, ".metadata.finalizers[1]");
}

TEST(LostFields, AreBounded) {
  std::string data;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&data, i == 0 ? "" : ",", "\"k", i, "\":\"v\"");
  const Value wanted = Json(absl::StrCat(R"({"data":{)", data, "}}"));
  EXPECT_THAT(
      LostFields(wanted, Metadata({Entry("lockstep", "Apply", R"({"f:data":{"f:z":{}}})")})),
      SizeIs(16));
  // Nothing of ours at all: the outermost fields.
  EXPECT_THAT(LostFields(wanted, Metadata({})),
              ElementsAre(testing::Field(&LostField::path, ".data")));
}

}  // namespace
}  // namespace lockstep
