#include "hub/fleet/format.h"

#include <string>

#include <gtest/gtest.h>

#include "common/object/yaml_writer.h"
#include "hub/fleet/convert.h"
#include "hub/fleet/parse.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kApplication[] = R"(apiVersion: lockstep.dev/v1
kind: Application
metadata:
  name: web
  namespace: shop
  labels:
    a: b
    team: checkout
  uid: 0e1f
  creationTimestamp: "2023-11-14T22:13:20Z"
  generation: 3
spec:
  sourceRef:
    kind: GitRepository
    name: fleet
    namespace: git
  path: apps/${cluster.name}
  missingPath: error
  placement:
    clusters:
    - eu-1
    selector: {}
  defaultNamespace: default
  interval: 10m
  prune: true
  deletionPolicy: Orphan
status:
  observedGeneration: 3
  conditions:
  - type: Ready
    status: "True"
  revision: main@sha1:4f2c1e9
  clustersByState:
    Pending: 1
    Synced: 2
  perCluster:
  - cluster: eu-1
    generation: 7
    observedAt: "2023-11-14T22:13:20Z"
    fresh: true
)";

v1::Application SomeApplication() {
  Application app{
      {.namespace_ = "shop",
       .name = "web",
       .labels = {{"team", "checkout"}, {"a", "b"}},
       .uid = "0e1f",
       .generation = 3,
       .creation_time = absl::FromUnixSeconds(1'700'000'000)},
      {.source = {"git", "fleet"}, .path = *PathTemplate::Parse("apps/${cluster.name}")}};
  app.spec.placement = {.clusters = {"eu-1"}, .selector = LabelSelector()};
  v1::Application message = ToProto(app);
  v1::ApplicationStatus& status = *message.mutable_status();
  status.set_observed_generation(3);
  v1::Condition& ready = *status.add_conditions();
  ready.set_type("Ready");
  ready.set_status("True");
  status.set_revision("main@sha1:4f2c1e9");
  (*status.mutable_clusters_by_state())["Synced"] = 2;
  (*status.mutable_clusters_by_state())["Pending"] = 1;
  v1::ApplicationClusterStatus& cluster = *status.add_per_cluster();
  cluster.set_cluster("eu-1");
  cluster.set_generation(7);
  cluster.mutable_observed_at()->set_seconds(1'700'000'000);
  cluster.set_fresh(true);
  return message;
}

TEST(ToValue, ShowsAResourceAsAPersonWritesIt) {
  EXPECT_EQ(WriteYaml(ToValue(SomeApplication())), kApplication);
}

TEST(ToValue, WhatIsShownCanBeApplied) {
  const ParsedResources parsed = ParseResources({{"f.yaml", kApplication}});
  ASSERT_OK(parsed.status());
  Application wanted = *FromProto(SomeApplication());
  wanted.meta.uid = "";
  wanted.meta.generation = 0;
  wanted.meta.creation_time = absl::InfinitePast();
  EXPECT_EQ(std::get<Application>(parsed.resources[0].resource), wanted);
}

TEST(ToValue, NeverHoldsASecretsValue) {
  v1::Secret secret;
  secret.mutable_metadata()->set_name("s");
  (*secret.mutable_data())["a"] = "hunter2";
  (*secret.mutable_string_data())["b"] = "hunter2";
  const std::string text = WriteYaml(ToValue(secret));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, Not(HasSubstr("aHVudGVyMg")));
  EXPECT_EQ(ToValue(secret).Find("data"), nullptr);
  EXPECT_EQ(ToValue(secret).Find("stringData"), nullptr);
}

}  // namespace
}  // namespace lockstep
