#include "common/render/patch/merge_schema.h"

#include <gtest/gtest.h>

#include "common/object/yaml.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

const MergeSchema::Type* Walk(const MergeSchema::Type* type,
                              std::initializer_list<absl::string_view> path) {
  for (absl::string_view part : path) {
    if (type == nullptr) return nullptr;
    type = part == "[]" ? type->elements : type->Field(part);
  }
  return type;
}

Value Read(absl::string_view text) {
  absl::StatusOr<std::vector<Value>> documents = ReadYaml(text, "schema.yaml");
  EXPECT_OK(documents);
  return documents.ok() ? std::move(documents->at(0)) : Value();
}

TEST(MergeSchema, KnowsTheListsThatKubernetesMerges) {
  const MergeSchema& schema = MergeSchema::BuiltIn();
  const MergeSchema::Type* pod_spec =
      Walk(schema.Find("apps/v1", "Deployment"), {"spec", "template", "spec"});
  ASSERT_NE(pod_spec, nullptr);
  const MergeSchema::Type* containers = pod_spec->Field("containers");
  ASSERT_NE(containers, nullptr);
  EXPECT_TRUE(containers->merges);
  EXPECT_EQ(containers->keys, std::vector<std::string>{"name"});
  EXPECT_EQ(Walk(containers, {"[]", "ports"})->keys,
            (std::vector<std::string>{"containerPort", "protocol"}));
  EXPECT_EQ(Walk(containers, {"[]", "args"}), nullptr);
  EXPECT_EQ(pod_spec->Field("tolerations"), nullptr);
  EXPECT_EQ(pod_spec->Field("topologySpreadConstraints")->keys,
            (std::vector<std::string>{"topologyKey", "whenUnsatisfiable"}));
}

TEST(MergeSchema, MergesListsOfScalarsWithoutKeys) {
  const MergeSchema::Type* finalizers =
      Walk(MergeSchema::BuiltIn().Find("v1", "Service"), {"metadata", "finalizers"});
  ASSERT_NE(finalizers, nullptr);
  EXPECT_TRUE(finalizers->merges);
  EXPECT_TRUE(finalizers->keys.empty());
}

TEST(MergeSchema, KnowsNothingOfWhat1_21DidNotHave) {
  const MergeSchema& schema = MergeSchema::BuiltIn();
  EXPECT_EQ(schema.Find("autoscaling/v2", "HorizontalPodAutoscaler"), nullptr);
  EXPECT_EQ(schema.Find("v1", "Deployment"), nullptr);
  EXPECT_NE(schema.Find("extensions/v1beta1", "Ingress"), nullptr);
}

TEST(MergeSchema, ReadsAnOpenApiDocument) {
  const Value document = Read(R"(
definitions:
  example.Fleet:
    type: object
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: Fleet}]
    properties:
      spec: {$ref: "#/definitions/example.Spec"}
      byName: {type: object, additionalProperties: {$ref: "#/definitions/example.Spec"}}
      lost: {$ref: "#/definitions/nowhere"}
      circle: {$ref: "#/definitions/example.Circle"}
  example.Circle: {$ref: "#/definitions/example.Circle"}
  example.Spec:
    type: object
    properties:
      inner: {$ref: "#/definitions/example.Spec"}
      ships:
        type: array
        x-kubernetes-patch-strategy: merge,retainKeys
        x-kubernetes-patch-merge-key: hull
        items: {type: object}
      pairs:
        type: array
        x-kubernetes-patch-strategy: merge
        x-kubernetes-patch-merge-key: a
        x-kubernetes-list-map-keys: [a, b]
        items: {type: object}
      replaced:
        type: array
        x-kubernetes-list-type: map
        x-kubernetes-list-map-keys: [a]
        items: {type: object}
paths:
  /apis/example.com/v1/fleets: {get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: Fleet}}}
)");
  ASSERT_OK_AND_ASSIGN(const MergeSchema schema, MergeSchema::FromOpenApi(document, "schema.yaml"));
  const MergeSchema::Type* fleet = schema.Find("example.com/v1", "Fleet");
  ASSERT_NE(fleet, nullptr);
  EXPECT_EQ(Walk(fleet, {"spec", "inner", "inner", "ships"})->keys,
            std::vector<std::string>{"hull"});
  EXPECT_TRUE(Walk(fleet, {"byName", "any", "pairs"})->merges);
  EXPECT_EQ(Walk(fleet, {"byName", "any", "pairs"})->keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(Walk(fleet, {"spec", "replaced"})->merges);
  EXPECT_EQ(fleet->Field("lost"), nullptr);
  EXPECT_EQ(fleet->Field("circle"), nullptr);
  EXPECT_EQ(schema.FindScope("example.com/v1", "Fleet"), MergeSchema::Scope::kCluster);
  EXPECT_EQ(schema.FindScope("apps/v1", "Deployment"), MergeSchema::Scope::kUnknown);
  EXPECT_EQ(schema.Find("apps/v1", "Deployment"), nullptr);
}

TEST(MergeSchema, RefusesWhatIsNoOpenApiDocument) {
  EXPECT_THAT(MergeSchema::FromOpenApi(Read("[1]"), "a.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("a.yaml: ")));
  EXPECT_THAT(MergeSchema::FromOpenApi(Read("definitions: {a.B: 1}"), "a.yaml"),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("definitions.a.B")));
}

}  // namespace
}  // namespace lockstep
