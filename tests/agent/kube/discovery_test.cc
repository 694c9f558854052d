#include "agent/kube/discovery.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAnswer[] = R"({"kind":"APIGroupDiscoveryList","items":[
  {"metadata":{"name":"apps"},"versions":[
    {"version":"v1","freshness":"Current","resources":[
      {"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},
       "scope":"Namespaced","verbs":["create","list","patch","watch"],
       "subresources":[{"subresource":"scale","responseKind":{"kind":"Scale"}}]}]},
    {"version":"v1beta1","freshness":"Current","resources":[
      {"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["get"]},
      {"resource":"olds","responseKind":{"kind":"Old"},"scope":"Cluster","verbs":["get"]}]}]},
  {"metadata":{"name":"metrics.k8s.io"},"versions":[
    {"version":"v1beta1","freshness":"Stale","resources":[
      {"resource":"nodes","responseKind":{"kind":"NodeMetrics"},"scope":"Cluster","verbs":["get"]}]}]}]})";

TEST(Discovery, ReadsKindsWithTheirVersionsInTheServersOrder) {
  KindTable table;
  std::vector<std::string> stale;
  ASSERT_OK(ReadDiscovery(kAnswer, &table, &stale));
  ASSERT_EQ(table.size(), 2u);
  const KindInfo& deployment = table.at({"apps", "Deployment"});
  EXPECT_EQ(deployment.resource, "deployments");
  EXPECT_TRUE(deployment.namespaced);
  EXPECT_TRUE(deployment.writable);
  EXPECT_TRUE(deployment.watchable);
  EXPECT_THAT(deployment.versions, ElementsAre("v1", "v1beta1"));
  EXPECT_TRUE(deployment.Serves("v1beta1"));
  EXPECT_FALSE(deployment.Serves("v2"));
  EXPECT_FALSE(table.at({"apps", "Old"}).namespaced);
  EXPECT_FALSE(table.at({"apps", "Old"}).writable);
}

TEST(Discovery, F50NamesWhatDoesNotAnswer) {
  KindTable table;
  std::vector<std::string> stale;
  ASSERT_OK(ReadDiscovery(kAnswer, &table, &stale));
  EXPECT_THAT(stale, ElementsAre("metrics.k8s.io/v1beta1"));
  EXPECT_FALSE(table.contains({"metrics.k8s.io", "NodeMetrics"}));
}

TEST(Discovery, RefusesOtherAnswers) {
  KindTable table;
  std::vector<std::string> stale;
  EXPECT_THAT(ReadDiscovery(R"({"kind":"APIGroupList"})", &table, &stale),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("aggregated discovery")));
  EXPECT_THAT(ReadDiscovery("<html>", &table, &stale),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::_));
}

TEST(ResourcePath, IsAsTheServerHasIt) {
  const KindInfo deployment{
      .group = "apps", .kind = "Deployment", .resource = "deployments", .namespaced = true};
  const KindInfo role{
      .group = "rbac.authorization.k8s.io", .kind = "ClusterRole", .resource = "clusterroles"};
  const KindInfo config_map{.kind = "ConfigMap", .resource = "configmaps", .namespaced = true};
  EXPECT_EQ(ResourcePath(deployment, "v1", "shop", "web"),
            "/apis/apps/v1/namespaces/shop/deployments/web");
  EXPECT_EQ(ResourcePath(config_map, "v1", "", ""), "/api/v1/configmaps");
  EXPECT_EQ(ResourcePath(config_map, "v1", "shop", ""), "/api/v1/namespaces/shop/configmaps");
  // Names of RBAC hold colons; what could change the path is encoded.
  EXPECT_EQ(ResourcePath(role, "v1", "", "system:a/../b?x#y%"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Aa%2F..%2Fb%3Fx%23y%25");
}

}  // namespace
}  // namespace lockstep
