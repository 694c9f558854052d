#include "agent/kube/http.h"

#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/channel.h"
#include "common/base/file.h"
#include "common/object/json.h"
#include "tests/kube/api_server.h"
#include "tests/testing/process.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

bool Never() { return false; }

absl::StatusOr<KubeResponse> Ask(KubeHttp& http, KubeRequest request) {
  std::vector<KubeRequest> requests;
  requests.push_back(std::move(request));
  return std::move(http.Perform(std::move(requests), Never)[0]);
}

// Who the server takes us for.
std::string WhoAmI(KubeHttp& http, const std::string& impersonate) {
  const auto answer =
      Ask(http, {.method = "POST",
                 .path = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                 .body = R"({"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"})",
                 .content_type = "application/json",
                 .impersonate = impersonate});
  if (!answer.ok()) return answer.status().ToString();
  if (answer->code != 201) return absl::StrCat(answer->code);
  return std::string(
      ReadJson(answer->body, "answer")->Find("status")->Find("userInfo")->StringAt("username"));
}

TEST(KubeHttp, AnswersStandInTheOrderOfTheRequests) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access(), {}, SystemClock());
  std::vector<KubeRequest> requests;
  for (int i = 0; i < 100; ++i) {
    requests.push_back({.path = absl::StrCat("/api/v1/namespaces/none", i)});
  }
  const auto answers = http.Perform(std::move(requests), Never);
  ASSERT_EQ(answers.size(), 100);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(answers[i]);
    EXPECT_EQ(answers[i]->code, 404);
    EXPECT_THAT(answers[i]->body, HasSubstr(absl::StrCat("\\\"none", i, "\\\" not found")));
  }
}

TEST(KubeHttp, SpeaksAsTheAccountThatARequestNames) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access(), {}, SystemClock());
  EXPECT_EQ(WhoAmI(http, ""), "admin");
  EXPECT_EQ(WhoAmI(http, "system:serviceaccount:shop:deployer"),
            "system:serviceaccount:shop:deployer");
  EXPECT_EQ(WhoAmI(http, ""), "admin");
}

TEST(KubeHttp, ShowsAClientCertificate) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access("cert"), {}, SystemClock());
  EXPECT_EQ(WhoAmI(http, ""), "admin-cert");
}

TEST(KubeHttp, TakesAServerNameThatIsNotItsAddress) {
  LOCKSTEP_API_SERVER(server);
  KubeAccess access = server->Access();
  access.tls_server_name = "kubernetes.default.svc";
  KubeHttp http(access, {}, SystemClock());
  EXPECT_EQ(WhoAmI(http, ""), "admin");
  access.tls_server_name = "other.example.com";
  KubeHttp other(access, {}, SystemClock());
  EXPECT_THAT(Ask(other, {.path = "/version"}), StatusIs(absl::StatusCode::kUnavailable, _));
}

TEST(KubeHttp, TrustsOnlyTheGivenAuthority) {
  LOCKSTEP_API_SERVER(server);
  KubeAccess access = server->Access();
  access.ca_pem.clear();  // The system's.
  KubeHttp http(access, {}, SystemClock());
  EXPECT_THAT(Ask(http, {.path = "/version"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("certificate")));
}

TEST(KubeHttp, F58ATokenThatWasRefusedIsReadAgainAtOnce) {
  LOCKSTEP_API_SERVER(server);
  const std::string directory = *MakeTemporaryDirectory("lockstep-token-");
  KubeAccess access = server->Access();
  access.token_file = directory + "/token";
  ASSERT_OK(WriteFileAtomic(access.token_file, "expired\n", Durability::kNone));
  KubeHttp http(access, {}, SystemClock());
  EXPECT_EQ(WhoAmI(http, ""), "401");
  ASSERT_OK(WriteFileAtomic(access.token_file, "admin\n", Durability::kNone));
  EXPECT_EQ(WhoAmI(http, ""), "admin");
  EXPECT_OK(RemoveTree(directory));
  KubeHttp without(access, {}, SystemClock());
  EXPECT_THAT(Ask(without, {.path = "/version"}),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("token")));
}

TEST(KubeHttp, EndsAnAnswerThatIsTooLong) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access(), {.answer_bytes_max = 1000}, SystemClock());
  EXPECT_THAT(Ask(http, {.path = "/openapi/v2"}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("over 1000 bytes")));
  EXPECT_OK(Ask(http, {.path = "/healthz"}));
}

TEST(KubeHttp, BeginsNothingAfterACancel) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access(), {.in_flight_max = 1}, SystemClock());
  int asked = 0;
  std::vector<KubeRequest> requests(10, KubeRequest{.path = "/healthz"});
  const auto answers = http.Perform(std::move(requests), [&asked] { return ++asked > 3; });
  for (int i = 0; i < 3; ++i) EXPECT_OK(answers[i]);
  for (int i = 3; i < 10; ++i) {
    EXPECT_THAT(answers[i], StatusIs(absl::StatusCode::kCancelled, _));
  }
}

TEST(KubeHttp, FollowsAStreamUntilItIsCancelled) {
  LOCKSTEP_API_SERVER(server);
  const std::string name = server->MakeNamespace();
  KubeHttp http(server->Access(), {}, SystemClock());
  Channel<std::string> lines(100);
  Channel<absl::StatusOr<KubeResponse>> ends(1);
  const std::string path = absl::StrCat("/api/v1/namespaces/", name, "/configmaps");
  const uint64_t id = http.StartStream(
      {.path = path + "?watch=1"},
      {.on_line = [&](absl::string_view line) { lines.TrySend(std::string(line)); },
       .on_end = [&](absl::StatusOr<KubeResponse> end) { ends.TrySend(std::move(end)); }});
  KubeHttp writer(server->Access(), {}, SystemClock());
  for (const char* object : {"one", "two"}) {
    const auto made =
        Ask(writer,
            {.method = "POST",
             .path = path,
             .body = absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")",
                                  object, "\"}}"),
             .content_type = "application/json"});
    ASSERT_OK(made);
    ASSERT_EQ(made->code, 201) << made->body;
  }
  // Every namespace gets one ConfigMap of the server's own, sometime; ours come in order.
  std::vector<std::string> names;
  while (names.size() < 2) {
    const auto line = lines.Receive();
    ASSERT_TRUE(line.has_value());
    const Value event = *ReadJson(*line, "event");
    const std::string seen(event.Find("object")->Find("metadata")->StringAt("name"));
    if (seen == "one" || seen == "two") names.push_back(seen);
  }
  EXPECT_THAT(names, testing::ElementsAre("one", "two"));
  http.Cancel(id);
  EXPECT_THAT(*ends.Receive(), StatusIs(absl::StatusCode::kCancelled, _));
}

TEST(KubeHttp, AStreamThatIsRefusedEndsWithTheAnswer) {
  LOCKSTEP_API_SERVER(server);
  KubeHttp http(server->Access("dev"), {}, SystemClock());
  Channel<absl::StatusOr<KubeResponse>> ends(1);
  http.StartStream(
      {.path = "/api/v1/namespaces/default/configmaps?watch=1"},
      {.on_line = [](absl::string_view line) { ADD_FAILURE() << line; },
       .on_end = [&](absl::StatusOr<KubeResponse> end) { ends.TrySend(std::move(end)); }});
  const auto end = ends.Receive();
  ASSERT_TRUE(end.has_value());
  ASSERT_OK(*end);
  EXPECT_EQ((*end)->code, 403);
  EXPECT_THAT((*end)->body, HasSubstr("cannot watch resource"));
}

TEST(KubeHttp, SaysThatNobodyListens) {
  KubeAccess access;
  {
    const Listener listener = ListenOnLoopback();  // Free, and closed again.
    access.server = absl::StrCat("https://127.0.0.1:", listener.port);
  }
  KubeHttp http(access, {}, SystemClock());
  EXPECT_THAT(Ask(http, {.path = "/version"}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("GET /version")));
}

TEST(KubeHttp, NothingIsAnsweredAfterStop) {
  KubeAccess access;
  access.server = "https://127.0.0.1:1";
  KubeHttp http(access, {}, SystemClock());
  http.Stop();
  EXPECT_THAT(Ask(http, {.path = "/version"}), StatusIs(absl::StatusCode::kCancelled, _));
  EXPECT_EQ(http.Start({.path = "/version"}, [](auto) { ADD_FAILURE(); }), 0);
  http.Stop();
}

}  // namespace
}  // namespace lockstep
