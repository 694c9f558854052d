// Hostile trees: the ids are those of the attack catalogue.

#include <gmock/gmock.h>

#include "tests/common/render/kustomize/build_fixture.h"

namespace lockstep::kustomize {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kOutside[] = "canary";

// A kustomization in "in" that names something outside of it, or of the tree.
std::string Naming(const std::string& kustomization) {
  return BuildText({{"in/kustomization.yaml", kustomization},
                    {"secret.yaml", ConfigMap(kOutside)},
                    {"in/a.yaml", ConfigMap("a")}},
                   "in");
}

TEST(BuildAttack, A01PathsStayInTheTree) {
  const std::vector<std::string> paths = {
      "../../x", "/etc/passwd",    "file:///etc/passwd", "a/../../../x",     std::string(5000, 'a'),
      "..",      "../secret.yaml", "%2e%2e/secret.yaml", "..\\\\secret.yaml"};
  for (const std::string& path : paths) {
    const std::string text = Naming(absl::StrCat("resources:\n- \"", path, "\"\n"));
    EXPECT_THAT(text, StartsWith("error: in/kustomization.yaml:2:3: ")) << path;
    EXPECT_EQ(text.find(kOutside), std::string::npos) << text;
  }
}

TEST(BuildAttack, A03EveryFieldThatNamesAFileStaysInItsFolder) {
  for (const char* field :
       {"resources: [../secret.yaml]", "crds: [../secret.yaml]", "configurations: [../secret.yaml]",
        "openapi: {path: ../secret.yaml}", "generators: [../secret.yaml]",
        "transformers: [../secret.yaml]", "validators: [../secret.yaml]",
        "patchesStrategicMerge: [../secret.yaml]", "patches: [{path: ../secret.yaml}]",
        "patchesJson6902: [{path: ../secret.yaml, target: {name: a}}]",
        "replacements: [{path: ../secret.yaml}]",
        "configMapGenerator: [{name: x, files: [../secret.yaml]}]",
        "configMapGenerator: [{name: x, files: [k=../secret.yaml]}]",
        "configMapGenerator: [{name: x, envs: [../secret.yaml]}]",
        "configMapGenerator: [{name: x, env: ../secret.yaml}]",
        "secretGenerator: [{name: x, files: [../secret.yaml]}]",
        "secretGenerator: [{name: x, envs: [../secret.yaml]}]"}) {
    const std::string text = Naming(absl::StrCat(field, "\n"));
    EXPECT_THAT(text, StartsWith("error: in/kustomization.yaml:")) << field;
    EXPECT_THAT(text, HasSubstr("is not in or below in")) << field;
    EXPECT_EQ(text.find(kOutside), std::string::npos) << text;
  }
}

TEST(BuildAttack, A04BasesThatLeadBackAreACycle) {
  EXPECT_THAT(BuildText({{"a/kustomization.yaml", "resources: [../b]\n"},
                         {"b/kustomization.yaml", "resources: [../a]\n"}},
                        "a"),
              StartsWith("error: b/kustomization.yaml:1:13: \"../a\": a cycle"));
  EXPECT_THAT(BuildText({{"a/kustomization.yaml", "resources: [.]\n"}}, "a"), HasSubstr("a cycle"));
}

TEST(BuildAttack, A04LongChainsAndDiamondsEnd) {
  Files chain;
  Files diamond;
  for (size_t i = 0; i < 200; ++i) {
    chain[absl::StrCat(i, "/kustomization.yaml")] = absl::StrCat("resources: [../", i + 1, "]\n");
    diamond[absl::StrCat(i, "/kustomization.yaml")] =
        absl::StrCat("resources: [../", i + 1, ", ../", i + 1, "/.]\n");
  }
  EXPECT_THAT(BuildText(chain, "0"), HasSubstr("more than 64 kustomizations inside one another"));
  diamond["20/kustomization.yaml"] = "commonLabels: {a: b}\n";
  EXPECT_THAT(BuildText(diamond, "0"), HasSubstr("enters more than 5000 kustomizations"));
}

TEST(BuildAttack, A07LargeFilesAreNotRead) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"},
                         {"a.yaml", std::string((3 << 20) + 1, '#')}}),
              StartsWith("error: kustomization.yaml:1:13: reading a.yaml"));
}

TEST(BuildAttack, A26DeepNestingIsRefused) {
  for (const char* what : {"a.yaml", "kustomization.yaml"}) {
    Files files = {{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", ConfigMap("a")}};
    files[what] = std::string(100'000, '[');
    EXPECT_THAT(BuildText(files), HasSubstr("too deep")) << what;
  }
}

TEST(BuildAttack, A27AliasBombsAreCountedPerFile) {
  std::string bomb = "kind: X\nmetadata: {name: NAME}\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 5; ++i) {
    absl::StrAppend(&bomb, "a", i, ": &a", i, " [");
    for (int j = 0; j < 10; ++j) absl::StrAppend(&bomb, j == 0 ? "" : ", ", "*a", i - 1);
    absl::StrAppend(&bomb, "]\n");
  }
  std::string all;
  for (int i = 0; i < 20; ++i) {
    std::string one = bomb;
    absl::StrAppend(&all, one.replace(one.find("NAME"), 4, absl::StrCat("x", i)), "---\n");
  }
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", all}}),
              HasSubstr("values, what aliases repeat included"));
}

TEST(BuildAttack, A28DuplicateKeysAreRefused) {
  EXPECT_THAT(BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"},
                         {"a.yaml", ConfigMap("a", "kind: Secret\n")}}),
              HasSubstr("a.yaml:5:1: the key \"kind\" already stands in line 2"));
}

TEST(BuildAttack, A30BytesThatAreNoUtf8AreRefused) {
  EXPECT_THAT(
      BuildText({{"kustomization.yaml", "resources: [a.yaml]\n"}, {"a.yaml", ConfigMap("\xff")}}),
      HasSubstr("byte 0xff is not part of UTF-8"));
}

TEST(BuildAttack, A33ExpressionsTakeLinearTime) {
  const std::string name(2000, 'a');
  const Files files = {{"kustomization.yaml",
                        "resources: [a.yaml]\npatches:\n- target: {name: '(a*)*(a*)*b'}\n"
                        "  patch: '[{\"op\": \"add\", \"path\": \"/x\", \"value\": 1}]'\n"},
                       {"a.yaml", ConfigMap(name)}};
  EXPECT_EQ(BuildText(files), ConfigMap(name));
  EXPECT_THAT(BuildText({{"kustomization.yaml",
                          "resources: [a.yaml]\npatches:\n- target: {name: 'a{1000}{1000}'}\n"
                          "  patch: '[]'\n"},
                         {"a.yaml", ConfigMap("a")}}),
              HasSubstr("is no regular expression"));
}

TEST(BuildAttack, A35NullsAndOtherTypesAreErrorsOrNothing) {
  for (const char* field : {"resources",
                            "components",
                            "namePrefix",
                            "nameSuffix",
                            "namespace",
                            "labels",
                            "commonLabels",
                            "commonAnnotations",
                            "patches",
                            "patchesStrategicMerge",
                            "patchesJson6902",
                            "images",
                            "imageTags",
                            "replicas",
                            "replacements",
                            "vars",
                            "configMapGenerator",
                            "secretGenerator",
                            "generatorOptions",
                            "generators",
                            "transformers",
                            "validators",
                            "configurations",
                            "crds",
                            "openapi",
                            "sortOptions",
                            "buildMetadata",
                            "metadata",
                            "bases"}) {
    for (const char* value : {"null", "''", "{}", "[]", "[null]", "[[]]", "[{}]", "{a: null}",
                              "{a: [1]}", "1e400", ".nan", "true", "[1]", "['']"}) {
      const std::string text = Naming(absl::StrCat(field, ": ", value, "\n"));
      if (text.empty()) continue;  // Nothing came of it.
      EXPECT_THAT(text, StartsWith("error: in/kustomization.yaml")) << field << ": " << value;
    }
  }
}

TEST(BuildAttack, A40WhatWouldHaveToRunIsRefused) {
  EXPECT_THAT(Naming("helmCharts:\n- name: x\n"),
              StartsWith("error: in/kustomization.yaml:2:1: helmCharts needs the helm program"));
  for (const char* field : {"transformers", "generators", "validators"}) {
    const std::string function =
        "apiVersion: example.com/v1\n  kind: Run\n  metadata:\n    name: x\n    annotations:\n"
        "      config.kubernetes.io/function: |\n        exec: {path: ./x}\n";
    EXPECT_THAT(Naming(absl::StrCat("resources: [a.yaml]\n", field, ":\n- |\n  ", function)),
                HasSubstr(absl::StrCat("Run in ", field, " is a function or plugin")));
  }
  EXPECT_THAT(Naming("resources: ['https://host/x.yaml']\n"),
              StartsWith("error: in/kustomization.yaml:1:13: "));
}

TEST(BuildAttack, ReadingIsCounted) {
  BuildOptions options;
  options.limits.read_bytes = 1000;
  EXPECT_THAT(
      BuildText({{"kustomization.yaml", "configMapGenerator:\n- name: a\n  files: [f, g=f]\n"},
                 {"f", std::string(600, 'x')}},
                "", options),
      HasSubstr("the build reads more than"));
}

}  // namespace
}  // namespace lockstep::kustomize
