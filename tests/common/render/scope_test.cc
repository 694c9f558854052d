#include "common/render/scope.h"

#include <gtest/gtest.h>

namespace lockstep {
namespace {

TEST(BuiltInScope, KnowsKubernetesOwnKindsByGroup) {
  EXPECT_EQ(BuiltInScope("", "ConfigMap"), Scope::kNamespaced);
  EXPECT_EQ(BuiltInScope("", "Namespace"), Scope::kCluster);
  EXPECT_EQ(BuiltInScope("apps", "Deployment"), Scope::kNamespaced);
  EXPECT_EQ(BuiltInScope("rbac.authorization.k8s.io", "ClusterRole"), Scope::kCluster);
  EXPECT_EQ(BuiltInScope("rbac.authorization.k8s.io", "Role"), Scope::kNamespaced);
  EXPECT_EQ(BuiltInScope("networking.k8s.io", "IngressClass"), Scope::kCluster);
  EXPECT_EQ(BuiltInScope("", "Deployment"), Scope::kUnknown);
  EXPECT_EQ(BuiltInScope("serving.knative.dev", "Service"), Scope::kUnknown);
}

TEST(DefinedScopes, AddToTheTableAndNeverChangeIt) {
  DefinedScopes scopes;
  scopes.Define("example.com", "Widget", Scope::kCluster);
  scopes.Define("", "ConfigMap", Scope::kCluster);
  EXPECT_EQ(scopes.Of("example.com", "Widget"), Scope::kCluster);
  EXPECT_EQ(scopes.Of("", "ConfigMap"), Scope::kNamespaced);
  EXPECT_EQ(scopes.Of("example.com", "Gadget"), Scope::kUnknown);
}

}  // namespace
}  // namespace lockstep
