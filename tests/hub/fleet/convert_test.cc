#include "hub/fleet/convert.h"

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

Meta SomeMeta(ResourceKind kind) {
  return {.namespace_ = HasNamespace(kind) ? "shop" : "",
          .name = "web",
          .labels = {{"team", "checkout"}},
          .annotations = {{"note", "text"}},
          .uid = "0e1f",
          .generation = 3,
          .creation_time = absl::FromUnixSeconds(1'700'000'000) + absl::Nanoseconds(5),
          .deletion_time = absl::FromUnixSeconds(1'700'000'100)};
}

TEST(Convert, IsTheInverseOfItself) {
  const GitRepository repository{
      SomeMeta(ResourceKind::kGitRepository),
      {.url = "https://h/p.git",
       .ref = {.branch = "main", .commit = "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e"},
       .interval = absl::Milliseconds(5500),
       .timeout = absl::Seconds(7),
       .secret = "key",
       .ignore = "",
       .suspend = true}};
  ASSERT_OK_AND_ASSIGN(const GitRepository same_repository, FromProto(ToProto(repository)));
  EXPECT_EQ(same_repository, repository);

  Application app{SomeMeta(ResourceKind::kApplication),
                  {.source = {"git", "fleet"},
                   .path = *PathTemplate::Parse("a/${cluster.name}"),
                   .missing_path = MissingPath::kSkip,
                   .placement = {.clusters = {"a", "b"},
                                 .selector = LabelSelector{.match_labels = {{"x", "y"}}}},
                   .default_namespace = "shop",
                   .interval = absl::Hours(2),
                   .prune = false,
                   .deletion_policy = DeletionPolicy::kDelete,
                   .suspend = true}};
  app.spec.placement.selector->match_expressions = {
      {"k", LabelRequirement::Operator::kIn, {"1", "2"}},
      {"l", LabelRequirement::Operator::kNotIn, {"1"}},
      {"m", LabelRequirement::Operator::kExists, {}},
      {"n", LabelRequirement::Operator::kDoesNotExist, {}}};
  ASSERT_OK_AND_ASSIGN(const Application same_app, FromProto(ToProto(app)));
  EXPECT_EQ(same_app, app);

  const Cluster cluster{SomeMeta(ResourceKind::kCluster), {.suspend = true}};
  ASSERT_OK_AND_ASSIGN(const Cluster same_cluster, FromProto(ToProto(cluster)));
  EXPECT_EQ(same_cluster, cluster);
}

TEST(Convert, DefaultsSurviveTheWayThroughTheMessage) {
  Application app{{.namespace_ = "default", .name = "web"}, {.source = {"default", "fleet"}}};
  app.spec.placement.selector = LabelSelector();
  ASSERT_OK_AND_ASSIGN(const Application same, FromProto(ToProto(app)));
  EXPECT_EQ(same, app);
}

TEST(Convert, ChecksMessagesAsItDoesFiles) {
  v1::Application message;
  message.mutable_metadata()->set_name("Web");
  message.mutable_spec()->mutable_interval()->set_seconds(-1);
  EXPECT_THAT(FromProto(message),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "metadata.name: \"Web\" may hold only a-z, 0-9 and '-'\n"
                       "spec.sourceRef: is required\n"
                       "spec.placement: is required: clusters, a selector, or both\n"
                       "spec.interval: is -1s; it must be between 5s and 8760h"));
  message.mutable_spec()->mutable_interval()->set_seconds(INT64_MAX);
  EXPECT_THAT(FromProto(message),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.interval")));
}

TEST(Convert, GivesNamesAndSizesOfASecretAndNoValue) {
  const Secret secret{SomeMeta(ResourceKind::kSecret),
                      {{{"password", "hunter2"}, {"username", "git"}}}};
  const v1::Secret message = ToProto(secret);
  EXPECT_THAT(message.SerializeAsString(), Not(HasSubstr("hunter2")));
  ASSERT_EQ(message.status().keys_size(), 2);
  EXPECT_EQ(message.status().keys(0).name(), "password");
  EXPECT_EQ(message.status().keys(0).bytes(), 7);
}

}  // namespace
}  // namespace lockstep
