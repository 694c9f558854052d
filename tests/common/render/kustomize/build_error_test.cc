#include <gmock/gmock.h>

#include "tests/common/render/kustomize/build_fixture.h"
#include "tests/testing/status.h"

namespace lockstep::kustomize {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Kustomization(absl::string_view text) {
  return BuildText({{"k/kustomization.yaml", std::string(text)}, {"k/a.yaml", ConfigMap("a")}},
                   "k");
}

TEST(BuildErrors, NameThePlaceAndTheNearestWord) {
  EXPECT_THAT(Kustomization("resources: [a.yaml]\nnamePrefx: x\n"),
              StartsWith("error: k/kustomization.yaml:2:12: unknown field \"namePrefx\"; did you "
                         "mean \"namePrefix\"?"));
  EXPECT_THAT(Kustomization("resources: [a.yaml]\npatches:\n- pth: x\n"),
              StartsWith("error: k/kustomization.yaml:3:8: unknown field \"patches[0].pth\""));
  EXPECT_THAT(Kustomization("resources:\n- b.yaml\n"),
              StartsWith("error: k/kustomization.yaml:2:3: \"b.yaml\" names k/b.yaml, which does "
                         "not exist; did you mean \"a.yaml\"?"));
}

TEST(BuildErrors, CoerceNothing) {
  EXPECT_THAT(Kustomization("namePrefix: 1\n"),
              StartsWith("error: k/kustomization.yaml:1:13: namePrefix must be a string, not a "
                         "integer; quote it"));
  EXPECT_THAT(Kustomization("commonLabels: {a: 1}\n"),
              HasSubstr("commonLabels.a must be a string"));
}

TEST(BuildErrors, FieldNamesMatchWithoutRegardToCase) {
  EXPECT_EQ(Kustomization("Resources: [a.yaml]\n"), ConfigMap("a"));
}

TEST(BuildErrors, TheLastOfRepeatedKeysWins) {
  EXPECT_EQ(Kustomization("namePrefix: x-\nresources: [a.yaml]\nnamePrefix: y-\n"),
            ConfigMap("y-a"));
}

TEST(BuildErrors, AnEmptyKustomizationIsNone) {
  EXPECT_THAT(Kustomization("kind: Kustomization\n"), HasSubstr("the kustomization is empty"));
  EXPECT_THAT(Kustomization(""), HasSubstr("the kustomization is empty"));
}

TEST(BuildErrors, OneFileOnly) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: []\n"}, {"Kustomization", ""}}),
              HasSubstr("there is both kustomization.yaml and Kustomization"));
  EXPECT_THAT(BuildText({{"a.yaml", ""}}), HasSubstr("there is no kustomization.yaml"));
}

TEST(BuildErrors, TwoObjectsOfOneName) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources:\n- a.yaml\n- b.yaml\n"},
                         {"a.yaml", ConfigMap("a")},
                         {"b.yaml", ConfigMap("a")}}),
              StartsWith("error: kustomization.yaml:3:3: b.yaml:1:1: v1 ConfigMap default/a is "
                         "there already, from a.yaml"));
}

TEST(BuildErrors, APatchWithoutTargetSaysWhereItStands) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: [a.yaml]\npatches:\n- path: p.yaml\n"},
                         {"a.yaml", ConfigMap("a")},
                         {"p.yaml", ConfigMap("b")}}),
              HasSubstr("p.yaml:1:1: there is no v1 ConfigMap default/b to change"));
}

TEST(BuildErrors, AComponentIsNoResource) {
  EXPECT_THAT(
      BuildText(
          {{"kustomization.yaml", "resources: [c]\n"},
           {"c/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x\n"}}),
      HasSubstr("is a Component; name it under components"));
}

TEST(BuildErrors, ARepositoryIsSomethingToFetch) {
  const MapSnapshot snapshot(
      TestCommit(), {{"kustomization.yaml", "resources:\n- https://host/org/repo//a/b?ref=v1\n"}});
  FileCache cache;
  const absl::Status status = Build(snapshot, "", {}, &cache).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition,
                               StartsWith("kustomization.yaml:2:3: this needs the repository "
                                          "https://host/org/repo at v1")));
  const std::optional<NeededRepository> needed = NeededBy(status);
  ASSERT_TRUE(needed.has_value());
  EXPECT_EQ(needed->url, "https://host/org/repo");
  EXPECT_EQ(needed->ref, "v1");
  EXPECT_EQ(needed->path, "a/b");
  EXPECT_FALSE(NeededBy(absl::InvalidArgumentError("x")).has_value());
}

TEST(BuildErrors, AnObjectNeedsKindAndName) {
  const auto build = [](const char* text) {
    return BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", text}});
  };
  EXPECT_THAT(build("a: 1\n"), StartsWith("error: a.yaml:1:1: the object has no kind"));
  EXPECT_THAT(build("# c\n---\nkind: X\n"),
              StartsWith("error: a.yaml:3:1: the X has no metadata.name"));
  EXPECT_THAT(build("kind: X\n--- x\nkind: Y\n"),
              StartsWith("error: a.yaml:2:1: after \"---\" only a comment may stand"));
}

}  // namespace
}  // namespace lockstep::kustomize
