#include <gmock/gmock.h>

#include "tests/common/render/kustomize/build_fixture.h"

namespace lockstep::kustomize {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kDeployment[] =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n"
    "    spec:\n      containers:\n      - name: a\n        image: nginx:1.0\n"
    "        envFrom:\n        - configMapRef:\n            name: settings\n";

TEST(Build, RepairsNamesOfGeneratedConfigMaps) {
  EXPECT_THAT(BuildText({{"kustomization.yaml",
                          "resources: [web.yaml]\nnamePrefix: x-\n"
                          "configMapGenerator:\n- name: settings\n  literals: [a=1]\n"},
                         {"web.yaml", kDeployment}}),
              HasSubstr("configMapRef:\n            name: x-settings-h29d89cmmt"));
}

TEST(Build, HashesAnEmptyConfigMapAsKustomizeDoes) {
  EXPECT_EQ(BuildText({{"kustomization.yaml", "configMapGenerator:\n- name: a\n"}}),
            ConfigMap("a-6ct58987ht"));
}

TEST(Build, MergesAGeneratorIntoTheOneOfABase) {
  const std::string text = BuildText(
      {{"base/kustomization.yaml", "configMapGenerator:\n- name: a\n  literals: [x=1, y=1]\n"},
       {"over/kustomization.yaml",
        "resources: [../base]\n"
        "configMapGenerator:\n- name: a\n  behavior: merge\n  literals: [y=2]\n"}},
      "over");
  EXPECT_THAT(text, HasSubstr("data:\n  x: \"1\"\n  \"y\": \"2\"\n"));
  EXPECT_THAT(text, HasSubstr("name: a-"));
}

TEST(Build, PutsABinaryFileIntoBinaryData) {
  EXPECT_THAT(
      BuildText({{"kustomization.yaml", "configMapGenerator:\n- name: a\n  files: [f.bin]\n"},
                 {"f.bin", "\xff\xfe"}}),
      HasSubstr("binaryData:\n  f.bin: //4=\n"));
}

TEST(Build, UsesABaseTwiceWithDifferentPrefixes) {
  const Files files = {{"base/kustomization.yaml", "resources: [a.yaml]\n"},
                       {"base/a.yaml", ConfigMap("a")},
                       {"one/kustomization.yaml", "namePrefix: one-\nresources: [../base]\n"},
                       {"two/kustomization.yaml", "namePrefix: two-\nresources: [../base]\n"},
                       {"all/kustomization.yaml", "resources: [../one, ../two]\n"}};
  EXPECT_EQ(BuildText(files, "all"), ConfigMap("one-a") + "---\n" + ConfigMap("two-a"));
}

TEST(Build, MakesTextsOfAnnotationsAtTheEnd) {
  EXPECT_EQ(BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"},
                       {"a.yaml", ConfigMap("a",
                                            "  annotations: {v: 1.10, t: True, d: 2020-01-01}\n"
                                            "  labels: {v: 1.10}\n")}}),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n    d: \"2020-01-01\"\n"
            "    t: \"True\"\n    v: \"1.10\"\n  labels:\n    v: 1.1\n  name: a\n");
}

TEST(Build, RunsAComponentOnWhatItsParentHasGathered) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: [a.yaml]\ncomponents: [c]\n"},
                         {"a.yaml", ConfigMap("a")},
                         {"c/kustomization.yaml",
                          "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                          "nameSuffix: -c\n"}}),
              HasSubstr("name: a-c\n"));
}

TEST(Build, AppendsTheSuffixOfATagTwiceAsKustomizeDoes) {
  EXPECT_THAT(BuildText({{"kustomization.yaml",
                          "resources: [web.yaml]\nimages:\n- name: nginx\n  tagSuffix: -x\n"},
                         {"web.yaml", kDeployment}}),
              HasSubstr("image: nginx:1.0-x-x\n"));
}

TEST(Build, PutsItemsOfListsAtTheEndOfTheirFile) {
  const std::string list =
      "apiVersion: v1\nkind: ConfigMapList\nitems:\n- apiVersion: v1\n"
      "  kind: ConfigMap\n  metadata: {name: a}\n";
  const BuildOptions in_order = {.reorder = BuildOptions::Reorder::kNone};
  EXPECT_EQ(BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"},
                       {"a.yaml", absl::StrCat(list, "---\n", ConfigMap("z"))}},
                      "", in_order),
            ConfigMap("z") + "---\n" + ConfigMap("a"));
}

TEST(Build, DropsWhatIsOnlyForTheBuild) {
  const char kLocal[] = "  annotations: {config.kubernetes.io/local-config: \"true\"}\n";
  EXPECT_EQ(BuildText({{"kustomization.yaml", "resources: [a.yaml, b.yaml]\n"},
                       {"a.yaml", ConfigMap("a", kLocal)},
                       {"b.yaml", ConfigMap("b")}}),
            ConfigMap("b"));
}

TEST(Build, AValidatorMayNotChangeAnything) {
  const std::string labels =
      "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\nlabels: {KEY: v}\n"
      "fieldSpecs: [{path: metadata/labels, create: true}]\n";
  const auto build = [&](const std::string& key) {
    std::string text = labels;
    text.replace(text.find("KEY"), 3, key);
    return BuildText({{"kustomization.yaml", "resources: [a.yaml]\nvalidators: [v.yaml]\n"},
                      {"a.yaml", ConfigMap("a")},
                      {"v.yaml", text}});
  };
  EXPECT_THAT(build("other"), HasSubstr("v.yaml:1:1: the validator LabelTransformer changes"));
  EXPECT_THAT(build("validated-by"), Not(HasSubstr("error")));
}

TEST(Build, ReadsNameReferencesFromCrds) {
  const char kCrd[] =
      "com.example.Bee:\n  Schema:\n    properties:\n      apiVersion: {}\n      kind: {}\n"
      "      metadata: {}\n      ref:\n        x-kubernetes-object-ref-api-version: v1\n"
      "        x-kubernetes-object-ref-kind: ConfigMap\n";
  EXPECT_THAT(
      BuildText({{"kustomization.yaml", "namePrefix: x-\nresources: [a.yaml]\ncrds: [crd.yaml]\n"},
                 {"crd.yaml", kCrd},
                 {"a.yaml", ConfigMap("a") + "---\napiVersion: example.com/v1\nkind: Bee\n"
                                             "metadata: {name: b}\nref: {name: a}\n"}}),
      HasSubstr("ref:\n  name: x-a\n"));
}

TEST(Build, SaysNothingElseTheSecondTime) {
  const Files files = {{"kustomization.yaml", "resources: [web.yaml]\nnamePrefix: x-\n"},
                       {"web.yaml", kDeployment}};
  const MapSnapshot snapshot(TestCommit(), files);
  FileCache cache;
  const auto build = [&] {
    return WriteResources(Build(snapshot, "", {}, &cache).value().resources).value();
  };
  EXPECT_EQ(build(), build());
}

TEST(Build, ValuesKnowTheirFileAndLine) {
  const MapSnapshot snapshot(TestCommit(), {{"kustomization.yaml", "resources: [a.yaml, b.yaml]\n"},
                                            {"a.yaml", ConfigMap("a")},
                                            {"b.yaml", "# one\n---\n" + ConfigMap("b")}});
  FileCache cache;
  const absl::StatusOr<BuildResult> built = Build(snapshot, "", {}, &cache);
  ASSERT_TRUE(built.ok());
  const Value* name = built->resources[1].value.Find("metadata")->Find("name");
  const FilePlace place = cache.Locate(name->place());
  EXPECT_EQ(place.file, "b.yaml");
  EXPECT_EQ(place.line, 6U);
}

}  // namespace
}  // namespace lockstep::kustomize
