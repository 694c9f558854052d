#include "common/health/fields.h"
#include "common/health/kinds.h"
#include "common/object/json.h"
#include "tests/common/health/case_file.h"

namespace lockstep {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr char kFolder[] = "tests/common/health/data/builtin";

TEST(BuiltInHealth, JudgesEveryCase) {
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(kFolder));
  int cases = 0;
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(kFolder, "/", name);
    for (const Value& one : LoadCases(path)) {
      ExpectCase(one, path);
      ++cases;
    }
  }
  EXPECT_GT(cases, 90);
}

TEST(BuiltInHealth, LongMessagesAreCutBetweenCharacters) {
  std::string long_text;
  for (int i = 0; i < 400; ++i) long_text += "ü";
  Value object = Value::MakeObject();
  object.AsObject().Set("apiVersion", Value::String("v1"));
  object.AsObject().Set("kind", Value::String("Pod"));
  Value& status = object.AsObject().Set("status", Value::MakeObject());
  status.AsObject().Set("phase", Value::String("Failed"));
  status.AsObject().Set("message", Value::String(long_text));
  const HealthAssessment found = AssessHealth(object, HealthRules(), kCaseTime);
  EXPECT_LE(found.message.size(), kHealthMessageBytesMax);
  EXPECT_GT(found.message.size(), kHealthMessageBytesMax - 5);
  EXPECT_THAT(found.message, EndsWith("ü…"));
}

// Whatever lies where a rule looks, it says something and stays alive.
TEST(BuiltInHealth, TakesNothingInAnObjectForGranted) {
  const char* const odd[] = {"null",
                             "true",
                             "-1",
                             "1e300",
                             "\"x\"",
                             "[]",
                             "[null]",
                             "{}",
                             "[{\"type\":1}]",
                             "[[[]]]",
                             "18446744073709551615"};
  const std::pair<const char*, const char*> kinds[] = {
      {"apps/v1", "Deployment"},
      {"apps/v1", "StatefulSet"},
      {"apps/v1", "DaemonSet"},
      {"apps/v1", "ReplicaSet"},
      {"v1", "Pod"},
      {"batch/v1", "Job"},
      {"batch/v1", "CronJob"},
      {"v1", "Service"},
      {"v1", "PersistentVolumeClaim"},
      {"v1", "PersistentVolume"},
      {"v1", "Namespace"},
      {"autoscaling/v2", "HorizontalPodAutoscaler"},
      {"policy/v1", "PodDisruptionBudget"},
      {"networking.k8s.io/v1", "Ingress"},
      {"apiregistration.k8s.io/v1", "APIService"},
      {"apiextensions.k8s.io/v1", "CustomResourceDefinition"},
      {"example.org/v1", "Thing"},
      {"argoproj.io/v1alpha1", "Rollout"},
      {"cert-manager.io/v1", "Certificate"}};
  const HealthRules none;
  for (const auto& [version, kind] : kinds) {
    for (const char* at : {"metadata", "spec", "status", "status.conditions", "status.phase",
                           "status.containerStatuses", "spec.replicas", "spec.updateStrategy"}) {
      for (const char* value : odd) {
        SCOPED_TRACE(absl::StrCat(version, " ", kind, " ", at, " = ", value));
        const absl::string_view path(at);
        const size_t dot = path.find('.');
        const std::string member = dot == path.npos
                                       ? absl::StrCat("\"", path, "\":", value)
                                       : absl::StrCat("\"", path.substr(0, dot), "\":{\"",
                                                      path.substr(dot + 1), "\":", value, "}");
        ASSERT_OK_AND_ASSIGN(const Value object,
                             ReadJson(absl::StrCat("{\"apiVersion\":\"", version, "\",\"kind\":\"",
                                                   kind, "\",", member, "}"),
                                      "odd"));
        AssessHealth(object, none, kCaseTime);
      }
    }
  }
  EXPECT_EQ(AssessHealth(Value(), none, kCaseTime).health, Health::kHealthy);
}

TEST(Fields, ReadWhatIsAbsentAsAbsent) {
  ASSERT_OK_AND_ASSIGN(
      const Value object,
      ReadJson(R"({"a":{"b":"x","n":2.7,"big":1e300},"apiVersion":"g.io/v1"})", "x"));
  EXPECT_EQ(TextAt(object, {"a", "b"}), "x");
  EXPECT_EQ(TextAt(object, {"a", "b", "c"}), "");
  EXPECT_EQ(IntAt(object, {"a", "n"}), 2);
  EXPECT_EQ(IntAt(object, {"a", "big"}), std::nullopt);
  EXPECT_EQ(IntAt(object, {"a", "b"}), std::nullopt);
  EXPECT_TRUE(ListAt(object, {"a"}).empty());
  EXPECT_EQ(GroupOf(object), "g.io");
  EXPECT_EQ(Explain("R", "m"), "R: m");
  EXPECT_EQ(Explain("", "", "else"), "else");
}

}  // namespace
}  // namespace lockstep
