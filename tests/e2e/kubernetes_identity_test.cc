// An agent of a Kubernetes cluster whose identity is a Secret there, and whose disk is lost.

#include <signal.h>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/e2e/small_fleet.h"
#include "tests/kube/api_server.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

TEST(KubernetesIdentity, OutlivesTheAgentsDiskAndWhatIsEqualIsNotWrittenAgain) {
  LOCKSTEP_API_SERVER(server);
  const std::string shop = server->MakeNamespace();
  server->Kubectl({"create", "secret", "generic", "identity", "-n", "default"});
  server->Kubectl({"create", "serviceaccount", "web", "-n", "default"});
  server->Kubectl({"create", "rolebinding", "web", "-n", shop, "--clusterrole=cluster-admin",
                   "--serviceaccount=default:web"});
  TestRepository repository;
  const std::string commit = repository.Commit(
      {{"web/one.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {key: value}\n"}});
  Fleet fleet({.serve = {"--allow-source", repository.FileUrl()}});
  ASSERT_OK(fleet.StartHub());
  ASSERT_OK_AND_ASSIGN(const std::string token, fleet.JoinToken("eu-1"));
  const auto start = [&](const std::string& join_token) {
    fleet.StartAgent(
        "eu-1", join_token,
        {"kubernetes", "--kubeconfig", server->kubeconfig(), "--identity-secret", "identity"});
  };
  start(token);
  ASSERT_OK(fleet.WaitOnline("eu-1"));
  // It is the cluster's admin here, which it says.
  EXPECT_THAT(FilesWith(fleet.logs(), "may do everything on this cluster"), Not(IsEmpty()));
  ASSERT_OK(fleet.Apply(RepositoryManifest(repository.FileUrl()) +
                        ApplicationManifest("web", "web") + "  defaultNamespace: " + shop +
                        "\n  serviceAccountName: web\n"));
  ASSERT_OK(fleet.WaitSynced(commit));
  EXPECT_FALSE(PathExists(fleet.state("eu-1") + "/identity.pem"));
  const auto version = [&] {
    return server->Kubectl(
        {"get", "configmap", "one", "-n", shop, "-o", "jsonpath={.metadata.resourceVersion}"});
  };
  const std::string written = version();

  fleet.EndAgent("eu-1", SIGKILL);
  ASSERT_OK(fleet.WaitOnline("eu-1", false));
  ASSERT_OK(RemoveTree(fleet.state("eu-1")));
  start("");
  ASSERT_OK(fleet.WaitOnline("eu-1"));
  ASSERT_OK(fleet.WaitState("web", "eu-1", "Synced"));
  EXPECT_EQ(*fleet.AgentMetric("eu-1", "lockstep_agent_writes_total{result=\"applied\"}"), 0);
  EXPECT_EQ(version(), written);
}

}  // namespace
}  // namespace lockstep
