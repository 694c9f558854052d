#include "agent/kube/answer.h"

#include <algorithm>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What kube-apiserver 1.36.3 answered to a request about a "configmaps", unless it says otherwise.
struct Row {
  const char* name;
  int code;
  std::string body;
  KubeOutcome outcome;
  const char* resource = "configmaps";
};

// A Status with these members.
std::string Failure(absl::string_view members) {
  return absl::StrCat(R"j({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)j",
                      members);
}

const Row kRows[] = {
    {"Done", 200, R"j({"kind":"ConfigMap"})j", KubeOutcome::kDone},
    {"Created", 201, R"j({"kind":"ConfigMap"})j", KubeOutcome::kDone},
    {"FieldManagerConflict", 409,
     Failure(
         R"j("message":"Apply failed with 1 conflict: conflict with \"a\": .data.k","reason":"Conflict",)j"
         R"j("details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"a\"",)j"
         R"j("field":".data.k"}]},"code":409})j"),
     KubeOutcome::kConflict},
    {"AlreadyExists", 409,
     Failure(R"j("message":"configmaps \"x\" already exists","reason":"AlreadyExists",)j"
             R"j("details":{"name":"x","kind":"configmaps"},"code":409})j"),
     KubeOutcome::kChanged},
    {"StaleVersion", 409,
     Failure(
         R"j("message":"Operation cannot be fulfilled on configmaps \"x\": the object has been modified",)j"
         R"j("reason":"Conflict","details":{"name":"x","kind":"configmaps"},"code":409})j"),
     KubeOutcome::kChanged},
    {"OtherUidAsPrecondition", 409,
     Failure(
         R"j("message":"Operation cannot be fulfilled on ConfigMap \"x\": the UID in the precondition )j"
         R"j((0) does not match the UID in record (7)","reason":"Conflict",)j"
         R"j("details":{"name":"x","kind":"ConfigMap"},"code":409})j"),
     KubeOutcome::kChanged},
    {"NoFieldManager", 422,
     Failure(
         R"j("message":"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value",)j"
         R"j("reason":"Invalid","details":{"group":"meta.k8s.io","kind":"PatchOptions","causes":)j"
         R"j([{"reason":"FieldValueRequired","message":"Required value","field":"fieldManager"}]},"code":422})j"),
     KubeOutcome::kFix},
    {"ManagedFieldsInTheBody", 400,
     Failure(
         R"j("message":"metadata.managedFields must be nil","reason":"BadRequest","code":400})j"),
     KubeOutcome::kFix},
    {"ImmutableSelector", 422,
     Failure(
         R"j("message":"Deployment.apps \"d\" is invalid: spec.selector: Invalid value: {\"matchLabels\":)j"
         R"j({\"a\":\"2\"}}: field is immutable","reason":"Invalid","details":{"name":"d","group":"apps",)j"
         R"j("kind":"Deployment","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: )j"
         R"j({\"matchLabels\":{\"a\":\"2\"}}: field is immutable","field":"spec.selector"}]},"code":422})j"),
     KubeOutcome::kImmutable, "deployments"},
    {"ImmutableClusterIp", 422,
     Failure(
         R"j("message":"Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.0.77.77\"]: )j"
         R"j(may not change once set","reason":"Invalid","details":{"name":"s","kind":"Service","causes":)j"
         R"j([{"reason":"FieldValueInvalid","message":"Invalid value: [\"10.0.77.77\"]: may not change once set",)j"
         R"j("field":"spec.clusterIPs[0]"}]},"code":422})j"),
     KubeOutcome::kImmutable, "services"},
    {"ImmutableRoleRef", 422,
     Failure(
         R"j("message":"ClusterRoleBinding.rbac.authorization.k8s.io \"b\" is invalid: roleRef: Invalid value: )j"
         R"j({\"name\":\"edit\"}: cannot change roleRef","reason":"Invalid","details":{"name":"b","causes":)j"
         R"j([{"reason":"FieldValueInvalid","message":"Invalid value: {\"name\":\"edit\"}: cannot change roleRef",)j"
         R"j("field":"roleRef"}]},"code":422})j"),
     KubeOutcome::kImmutable, "clusterrolebindings"},
    {"ImmutableConfigMap", 422,
     Failure(
         R"j("message":"ConfigMap \"imm\" is invalid: data: Forbidden: field is immutable when `immutable` )j"
         R"j(is set","reason":"Invalid","details":{"name":"imm","kind":"ConfigMap","causes":)j"
         R"j([{"reason":"FieldValueForbidden","message":"Forbidden: field is immutable when `immutable` is set",)j"
         R"j("field":"data"}]},"code":422})j"),
     KubeOutcome::kImmutable},
    {"ImmutableAndWrong", 422,
     Failure(
         R"j("message":"Deployment.apps \"d\" is invalid: [spec.selector: field is immutable, )j"
         R"j(spec.replicas: Invalid value: -1: must be greater than or equal to 0]","reason":"Invalid",)j"
         R"j("details":{"name":"d","kind":"Deployment","causes":[{"reason":"FieldValueInvalid",)j"
         R"j("message":"field is immutable","field":"spec.selector"},{"reason":"FieldValueInvalid",)j"
         R"j("message":"Invalid value: -1: must be greater than or equal to 0","field":"spec.replicas"}]},"code":422})j"),
     KubeOutcome::kFix, "deployments"},
    {"NoContainers", 422,
     Failure(
         R"j("message":"Deployment.apps \"e\" is invalid: spec.template.spec.containers: Required value",)j"
         R"j("reason":"Invalid","details":{"name":"e","group":"apps","kind":"Deployment","causes":)j"
         R"j([{"reason":"FieldValueRequired","message":"Required value","field":"spec.template.spec.containers"}]},)j"
         R"j("code":422})j"),
     KubeOutcome::kFix, "deployments"},
    {"UnknownGroup", 404, "404 page not found\n", KubeOutcome::kWait, "widgets"},
    {"UnknownResource", 404,
     Failure(
         R"j("message":"the server could not find the requested resource","reason":"NotFound",)j"
         R"j("details":{},"code":404})j"),
     KubeOutcome::kWait, "widgets"},
    {"MissingObject", 404,
     Failure(R"j("message":"configmaps \"nope2\" not found","reason":"NotFound",)j"
             R"j("details":{"name":"nope2","kind":"configmaps"},"code":404})j"),
     KubeOutcome::kAbsent},
    {"MissingNamespace", 404,
     Failure(R"j("message":"namespaces \"nope\" not found","reason":"NotFound",)j"
             R"j("details":{"name":"nope","kind":"namespaces"},"code":404})j"),
     KubeOutcome::kWait},
    {"MissingNamespaceThatWasAskedFor", 404,
     Failure(R"j("message":"namespaces \"nope\" not found","reason":"NotFound",)j"
             R"j("details":{"name":"nope","kind":"namespaces"},"code":404})j"),
     KubeOutcome::kAbsent, "namespaces"},
    {"UnknownField", 500,
     Failure(R"j("message":"failed to create typed patch object (/d; apps/v1, Kind=Deployment): )j"
             R"j(.spec.nosuch: field not declared in schema","code":500})j"),
     KubeOutcome::kFix, "deployments"},
    {"TooLargeForEtcd", 500,
     Failure(R"j("message":"etcdserver: request is too large","code":500})j"), KubeOutcome::kFix},
    {"TooLargeBody", 413,
     Failure(
         R"j("message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","code":413})j"),
     KubeOutcome::kFix},
    {"EtcdIsFull", 500,
     Failure(R"j("message":"etcdserver: mvcc: database space exceeded","code":500})j"),
     KubeOutcome::kRetry},
    {"WebhookDoesNotAnswer", 500,
     Failure(
         R"j("message":"Internal error occurred: failed calling webhook \"w\"","reason":"InternalError",)j"
         R"j("code":500})j"),
     KubeOutcome::kRetry},
    {"Unavailable", 503, "upstream connect error", KubeOutcome::kRetry},
    {"TooManyRequests", 429,
     Failure(R"j("message":"too many requests","reason":"TooManyRequests","code":429})j"),
     KubeOutcome::kRetry},
    {"NamespaceTerminates", 403,
     Failure(
         R"j("message":"configmaps \"new\" is forbidden: unable to create new content in namespace t )j"
         R"j(because it is being terminated","reason":"Forbidden","details":{"name":"new","kind":"configmaps",)j"
         R"j("causes":[{"reason":"NamespaceTerminating","message":"namespace t is being terminated",)j"
         R"j("field":"metadata.namespace"}]},"code":403})j"),
     KubeOutcome::kWait},
    {"NoRights", 403,
     Failure(
         R"j("message":"configmaps \"x\" is forbidden: User \"dev\" cannot patch","reason":"Forbidden",)j"
         R"j("details":{"name":"x","kind":"configmaps"},"code":403})j"),
     KubeOutcome::kForbidden},
    {"BadToken", 401, Failure(R"j("message":"Unauthorized","reason":"Unauthorized","code":401})j"),
     KubeOutcome::kUnknownUser},
    {"Expired", 410,
     Failure(
         R"j("message":"The resourceVersion for the provided list is too old.","reason":"Expired","code":410})j"),
     KubeOutcome::kExpired},
    {"FutureVersion", 504,
     Failure(
         R"j("message":"Timeout: Too large resource version: 99999999, current: 8203","reason":"Timeout",)j"
         R"j("details":{"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}],)j"
         R"j("retryAfterSeconds":1},"code":504})j"),
     KubeOutcome::kRetry},
    {"Redirect", 302, "", KubeOutcome::kRetry},
    {"NotJson", 400, "<html>", KubeOutcome::kFix},
};

class Answers : public testing::TestWithParam<Row> {};

TEST_P(Answers, HaveOneMeaning) {
  const Row& row = GetParam();
  const KubeAnswer answer = ReadAnswer({.code = row.code, .body = row.body}, row.resource);
  EXPECT_EQ(answer.outcome, row.outcome) << answer.message;
  EXPECT_EQ(answer.message.empty(), row.outcome == KubeOutcome::kDone);
}

INSTANTIATE_TEST_SUITE_P(OfARealServer, Answers, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Answer, SaysHowLongToWait) {
  const Row& row = *std::find_if(std::begin(kRows), std::end(kRows), [](const Row& r) {
    return std::string(r.name) == "FutureVersion";
  });
  EXPECT_EQ(ReadAnswer({.code = 504, .body = row.body}, "").retry_after, absl::Seconds(1));
  EXPECT_EQ(ReadAnswer({.code = 429, .retry_after = absl::Seconds(7)}, "").retry_after,
            absl::Seconds(7));
}

TEST(Answer, KeepsNoEchoOfASecret) {
  const KubeAnswer answer = ReadAnswer(
      {.code = 422,
       .body = Failure(
           R"j("message":"Secret \"s\" is invalid: data: Invalid value: \"canary\": must be base64",)j"
           R"j("reason":"Invalid","details":{"name":"s","kind":"Secret","causes":[{"reason":"FieldValueInvalid",)j"
           R"j("message":"Invalid value: \"canary\": must be base64","field":"data"}]},"code":422})j")},
      "secrets");
  EXPECT_THAT(answer.message, Not(HasSubstr("canary")));
  EXPECT_EQ(answer.message, "Secret \"s\" is invalid: data: must be base64");
}

TEST(Answer, CutsALongEchoOut) {
  const std::string echo(4000, 'x');
  const KubeAnswer answer = ReadAnswer(
      {.code = 422,
       .body = absl::StrCat(
           Failure(R"j("message":"Job.batch \"j\" is invalid: spec.template: Invalid value: )j"),
           echo,
           R"j(: field is immutable","reason":"Invalid","details":{"name":"j","kind":"Job","causes":)j"
           R"j([{"reason":"FieldValueInvalid","message":"Invalid value: )j",
           echo, R"j(: field is immutable","field":"spec.template"}]},"code":422})j")},
      "jobs");
  EXPECT_EQ(answer.outcome, KubeOutcome::kImmutable);
  EXPECT_EQ(answer.message, "Job \"j\" is invalid: spec.template: field is immutable");
}

TEST(Answer, ReadsTheStatusOfAWatch) {
  ASSERT_OK_AND_ASSIGN(
      const Value status,
      ReadJson(
          R"j({"code":410,"reason":"Expired","message":"too old resource version: 1 (2073)"})j",
          "event"));
  const KubeAnswer answer = ReadStatusObject(status);
  EXPECT_EQ(answer.outcome, KubeOutcome::kExpired);
  EXPECT_THAT(ToStatus(answer), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("too old")));
}

}  // namespace
}  // namespace lockstep
