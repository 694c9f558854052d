// A cluster that is a real Kubernetes API server, from the commit to the object.

#include <map>
#include <signal.h>
#include <string>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "tests/e2e/small_fleet.h"
#include "tests/kube/api_server.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::HasSubstr;

std::string ConfigMapIn(absl::string_view namespace_name, absl::string_view name,
                        absl::string_view value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ", name,
                      namespace_name.empty() ? "" : absl::StrCat(", namespace: ", namespace_name),
                      "}\ndata: {key: ", value, "}\n");
}

// One hub, and an agent for the API server. The application web lies in the namespace default,
// where its account is, and keeps a namespace of the test's own.
class KubernetesTest : public ::testing::Test {
 protected:
  KubernetesTest() : fleet_({.serve = {"--allow-source", repository_.FileUrl()}}) {}

  void Start(ApiServer* server) {
    server_ = server;
    namespace_ = server->MakeNamespace();
    server->Kubectl({"create", "serviceaccount", "web", "-n", "default"});
    server->Kubectl({"create", "rolebinding", "web", "-n", namespace_,
                     "--clusterrole=cluster-admin", "--serviceaccount=default:web"});
    ASSERT_OK(fleet_.StartHub());
    ASSERT_OK_AND_ASSIGN(const std::string token, fleet_.JoinToken("eu-1"));
    StartAgent(token);
    ASSERT_OK(fleet_.WaitOnline("eu-1"));
  }
  void StartAgent(const std::string& token = "") {
    fleet_.StartAgent("eu-1", token, {"kubernetes", "--kubeconfig", server_->kubeconfig()});
  }
  // `more` belongs to the application's spec.
  absl::Status Apply(absl::string_view more) {
    return fleet_.Apply(absl::StrCat(RepositoryManifest(repository_.FileUrl()),
                                     ApplicationManifest("web", "web"),
                                     "  defaultNamespace: ", namespace_, "\n", more));
  }
  absl::Status Commit(const std::map<std::string, std::string>& files,
                      const std::vector<std::string>& removed = {}) {
    commit_ = repository_.Commit(files, removed);
    LOCKSTEP_RETURN_IF_ERROR(fleet_.SyncRepository("fleet").status());
    return fleet_.WaitSynced(commit_);
  }
  // A part of a ConfigMap; empty where it or the ConfigMap is not there.
  std::string Get(absl::string_view name, absl::string_view path) {
    return server_->Kubectl({"get", "configmap", "-n", namespace_, std::string(name),
                             "--ignore-not-found", "-o", absl::StrCat("jsonpath=", path)});
  }
  // Until a ConfigMap is so; kubectl waits by a watch.
  void WaitFor(absl::string_view name, absl::string_view condition) {
    server_->Kubectl({"wait", "-n", namespace_, absl::StrCat("configmap/", name),
                      absl::StrCat("--for=", condition), "--timeout=90s"});
  }

  TestRepository repository_;
  Fleet fleet_;
  ApiServer* server_ = nullptr;
  std::string namespace_;
  std::string commit_;
};

TEST_F(KubernetesTest, ACommitIsAppliedDriftIsPutBackAndOnlyWhatLeavesGitIsDeleted) {
  LOCKSTEP_API_SERVER(server);
  ASSERT_NO_FATAL_FAILURE(Start(server));
  commit_ = repository_.Commit({{"web/one.yaml", ConfigMapIn(namespace_, "one", "first")},
                                {"web/two.yaml", ConfigMapIn("", "two", "first")}});

  // Without an account nothing is done.
  ASSERT_OK(Apply(""));
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Stalled"));
  EXPECT_THAT(fleet_.Lockstep({"describe", "application", "web"}).out,
              HasSubstr("serviceAccountName"));
  EXPECT_EQ(Get("one", "{.data.key}"), "");

  ASSERT_OK(Apply("  serviceAccountName: web\n"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  EXPECT_EQ(Get("one", "{.data.key}"), "first");
  EXPECT_EQ(Get("two", "{.data.key}"), "first");
  EXPECT_EQ(Get("two", "{.metadata.labels.lockstep\\.dev/application}"), "web");

  // A commit changes one object and leaves the other alone.
  const std::string untouched = Get("two", "{.metadata.resourceVersion}");
  ASSERT_OK(Commit({{"web/one.yaml", ConfigMapIn(namespace_, "one", "second")}}));
  EXPECT_EQ(Get("one", "{.data.key}"), "second");
  EXPECT_EQ(Get("two", "{.metadata.resourceVersion}"), untouched);

  // What a hand changes is put back; a field of its own stays.
  server->Kubectl({"patch", "configmap", "-n", namespace_, "one", "--type=merge", "-p",
                   R"({"data":{"key":"by hand","more":"mine"}})"});
  WaitFor("one", "jsonpath={.data.key}=second");
  EXPECT_EQ(Get("one", "{.data.more}"), "mine");
  server->Kubectl({"delete", "configmap", "-n", namespace_, "two"});
  WaitFor("two", "create");

  // Without the hub too.
  fleet_.EndHub(SIGTERM);
  server->Kubectl({"patch", "configmap", "-n", namespace_, "one", "--type=merge", "-p",
                   R"({"data":{"key":"by hand"}})"});
  WaitFor("one", "jsonpath={.data.key}=second");
  ASSERT_OK(fleet_.StartHub());
  ASSERT_OK(fleet_.WaitOnline("eu-1"));

  // A restarted agent looks, and writes nothing.
  const std::string kept = Get("one", "{.metadata.resourceVersion}");
  fleet_.EndAgent("eu-1", SIGTERM);
  ASSERT_OK(fleet_.WaitOnline("eu-1", false));
  StartAgent();
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  EXPECT_EQ(*fleet_.AgentMetric("eu-1", "lockstep_agent_writes_total{result=\"applied\"}"), 0);
  EXPECT_EQ(Get("one", "{.metadata.resourceVersion}"), kept);

  // What leaves Git is deleted, and nothing else.
  server->Kubectl({"create", "configmap", "-n", namespace_, "theirs"});
  ASSERT_OK(Commit({}, {"web/two.yaml"}));
  EXPECT_EQ(Get("two", "{.metadata.name}"), "");
  EXPECT_EQ(Get("one", "{.data.key}"), "second");
  EXPECT_EQ(Get("theirs", "{.metadata.name}"), "theirs");
}

}  // namespace
}  // namespace lockstep
