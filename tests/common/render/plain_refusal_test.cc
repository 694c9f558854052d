#include <map>
#include <string>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "common/render/map_snapshot.h"
#include "common/render/plain.h"
#include "common/render/path.h"
#include "tests/common/render/plain_fixture.h"
#include "tests/testing/status.h"

// What is refused, and what the refusal says.

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr char kCommit[] = "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e";
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(RenderPlainRefuses, F64AMissingPathIsNotFound) {
  EXPECT_THAT(Render({{"apps/web/a.yaml", ConfigMap("a")}}, "apps/db"),
              StatusIs(absl::StatusCode::kNotFound,
                       "path \"apps/db\" is not in the repository at 4f2c1e9"));
  EXPECT_THAT(
      Render({{"apps/web/a.yaml", ConfigMap("a")}}, "apps/web/a.yaml"),
      StatusIs(kInvalid,
               "path \"apps/web/a.yaml\" is a file; name a folder of the repository itself"));
  const MapSnapshot snapshot(kCommit, {{"apps/web/a.yaml", ConfigMap("a")}});
  EXPECT_THAT(RenderInput(snapshot, "apps/db", {}),
              StatusIs(absl::StatusCode::kNotFound, testing::_));
}

TEST(RenderPlainRefuses, TellsEveryFaultWithItsPlace) {
  const struct {
    const char* content;
    const char* want;
  } kRows[] = {
      {"- a\n",
       "a.yaml:1:1: the document is a list, not an object with apiVersion, kind and metadata; "
       "exclude files that are no manifests in .sourceignore"},
      {"just text\n",
       "a.yaml:1:1: the document is a string, not an object with apiVersion, kind and metadata; "
       "exclude files that are no manifests in .sourceignore"},
      {"kind: ConfigMap\nmetadata: {name: a}\n", "a.yaml:1:1: the object has no apiVersion"},
      {"apiVersion: v1\nmetadata: {name: a}\n", "a.yaml:1:1: the object has no kind"},
      {"apiVersion: v1\nkind: ConfigMap\n", "a.yaml:1:1: the object has no metadata.name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
       "a.yaml:3:11: the object has no metadata.name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: [a]\n",
       "a.yaml:3:11: metadata is a list, not a mapping"},
      {"apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}\n",
       "a.yaml:1:13: apiVersion is an integer, not text; quote it"},
      {"apiVersion: v1\nkind: [x]\nmetadata: {name: a}\n",
       "a.yaml:2:7: kind is a list, not text; quote it"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 007}\n",
       "a.yaml:3:18: metadata.name is an integer, not text; quote it"},
      {"apiVersion: v1\nkind: Job\nmetadata: {generateName: a-}\n",
       "a.yaml:3:11: the object has no metadata.name; metadata.generateName would make another "
       "object at each apply"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: 5}\n",
       "a.yaml:3:32: metadata.namespace is an integer, not text; quote it"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: Shop}\n",
       "a.yaml:3:32: metadata.namespace: \"Shop\" may hold only a-z, 0-9 and '-'"},
      {"apiVersion: a/b/c\nkind: ConfigMap\nmetadata: {name: a}\n",
       "a.yaml:1:13: apiVersion \"a/b/c\" is neither VERSION nor GROUP/VERSION"},
      {"apiVersion: v1\nkind: ../x\nmetadata: {name: a}\n",
       "a.yaml:2:7: kind \"../x\" is no name of a kind"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {on: true}}\n",
       "a.yaml:3:34: metadata.labels[true] is a boolean, not text; quote it"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: [x]}\n",
       "a.yaml:3:34: metadata.annotations is a list, not a mapping"},
      {"apiVersion: v1\nkind: List\nitems: x\n",
       "a.yaml:3:8: items of a List is a string, not a list"},
      {"apiVersion: v1\nkind: List\nitems: [5]\n",
       "a.yaml:3:9: the document is an integer, not an object with apiVersion, kind and metadata; "
       "exclude files that are no manifests in .sourceignore"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Render({{"a.yaml", row.content}}), StatusIs(kInvalid, row.want));
  }
}

TEST(RenderPlainRefuses, A05RefusesNamesThatCouldNotBeFileNames) {
  for (const char* name : {"..", ".", "a/b", "../x", "a\\\\b", "a%2fb", "a\\0b", "a\\nb"}) {
    EXPECT_THAT(Render({{"a.yaml", absl::StrCat("apiVersion: v1\nkind: Role\nmetadata: {name: \"",
                                                name, "\"}\n")}}),
                StatusIs(kInvalid, HasSubstr("a.yaml")))
        << name;
  }
  ASSERT_OK(Render(
      {{"a.yaml", "apiVersion: v1\nkind: ClusterRole\nmetadata: {name: \"system:a.b\"}\n"}}));
  EXPECT_FALSE(Render({{"a.yaml", ConfigMap(std::string(254, 'x'))}}).ok());
}

TEST(RenderPlainRefuses, TellsAllFaultsOfAFolderUpToTwenty) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 25; ++i)
    files[absl::StrCat("f", i, ".yaml")] = "kind: X\nmetadata: {name: a}\n";
  files["fine.yaml"] = ConfigMap("a");
  const absl::Status status = Render(files).status();
  const std::vector<std::string> lines = absl::StrSplit(status.message(), '\n');
  ASSERT_EQ(lines.size(), 21u);
  EXPECT_EQ(lines[0], "f0.yaml:1:1: the object has no apiVersion");
  EXPECT_EQ(lines[20], "and 5 more");
}

TEST(RenderPlainRefuses, RefusesAnObjectThatStandsTwice) {
  EXPECT_THAT(Render({{"a.yaml", ConfigMap("x")},
                      {"b/c.yaml", absl::StrCat("---\n", ConfigMap("x", "other"))}}),
              StatusIs(kInvalid,
                       "b/c.yaml:2:1: ConfigMap default/x is also in a.yaml:1; an application "
                       "names an object once"));
  // Equal after the default, and across versions of one API.
  EXPECT_FALSE(
      Render({{"a.yaml", ConfigMap("x")}, {"b.yaml", ConfigMap("x\n  namespace: default")}}).ok());
}

TEST(RenderPlainRefuses, RefusesAFolderThatIsForKustomize) {
  for (const char* name : {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    EXPECT_THAT(
        Render({{"a.yaml", "no: manifest"}, {absl::StrCat("x/", name), "resources: []"}}),
        StatusIs(
            kInvalid,
            absl::StrCat("x/", name,
                         ": building with Kustomize is not there yet, and half of it would "
                         "be wrong; name a folder of plain manifests, or exclude the kustomization "
                         "files in .sourceignore")));
  }
  ASSERT_OK(Render({{"a.yaml", ConfigMap("a")},
                    {"x/kustomization.yaml", "resources: []"},
                    {".sourceignore", "x/\n"}}));
}

TEST(RenderPlainRefuses, A02NeverFollowsASymbolicLink) {
  MapSnapshot snapshot(kCommit, {{"real/a.yaml", ConfigMap("a")}});
  snapshot.AddSymlink("real/link.yaml", "/etc/passwd");
  snapshot.AddSymlink("real/loop", "loop");
  snapshot.AddSymlink("way", "real");
  EXPECT_THAT(
      RenderPlain(snapshot, "real", {}, nullptr),
      StatusIs(
          kInvalid,
          "real/link.yaml: is a symbolic link, which is not followed; put what it points to in its "
          "place, or exclude it in .sourceignore\nreal/loop: is a symbolic link, which is not "
          "followed; put what it points to in its place, or exclude it in .sourceignore"));
  EXPECT_THAT(RenderPlain(snapshot, "way", {}, nullptr),
              StatusIs(kInvalid,
                       "path \"way\" is a symbolic link, which is not followed; name a folder of "
                       "the repository itself"));
  EXPECT_THAT(RenderPlain(snapshot, "way/sub", {}, nullptr),
              StatusIs(kInvalid, HasSubstr("path \"way\" is a symbolic link")));
  snapshot.AddFile("real/.sourceignore", "link.yaml\nloop\n");
  ASSERT_OK(RenderPlain(snapshot, "real", {}, nullptr));
  snapshot.AddSymlink("real/.sourceignore", "/etc/passwd");
  EXPECT_THAT(RenderPlain(snapshot, "real", {}, nullptr),
              StatusIs(kInvalid, "real/.sourceignore is no file; make it one"));
}

TEST(RenderPlainRefuses, A07RefusesWhatIsOverALimitByItsName) {
  RenderParameters parameters;
  parameters.limits = {.files = 4, .file_bytes = 200, .documents = 3};
  std::map<std::string, std::string> files;
  for (int i = 0; i < 5; ++i) files[absl::StrCat("d/f", i, ".txt")] = "x";
  EXPECT_THAT(Render(files, "", parameters),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "\"d\": the source path holds more than 4 files, the limit; name a "
                       "smaller folder or exclude files in .sourceignore"));
  EXPECT_THAT(Render({{"a.yaml", ConfigMap("a", std::string(300, 'x'))}}, "", parameters),
              StatusIs(kInvalid,
                       "a.yaml: has more than 200 bytes, the limit of a manifest file; split it"));
  EXPECT_THAT(Render({{"a.yaml", "---\n---\n---\n---\n---\n"}}, "", parameters),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       "a.yaml: the source path holds more than 3 documents, the limit; "
                       "split it into several applications"));
  std::string deep = "a.yaml";
  for (int i = 0; i < 101; ++i) deep = absl::StrCat("d/", deep);
  EXPECT_THAT(Render({{deep, ConfigMap("a")}}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("more than 100 deep")));
}

TEST(RenderPlainRefuses, RefusesFileNamesThatCannotBePrinted) {
  EXPECT_THAT(Render({{"a\nb.yaml", ConfigMap("a")}}),
              StatusIs(kInvalid,
                       "a\\nb.yaml: the name holds a control character, a backslash or bytes that "
                       "are no UTF-8; rename it"));
  EXPECT_FALSE(Render({{"a\xff/b.yaml", ConfigMap("a")}}).ok());
}

TEST(RenderPlainRefuses, F70AnErrorOfOneClustersFolderIsThatClustersAlone) {
  const MapSnapshot snapshot(
      kCommit, {{"web/eu-1/a.yaml", ConfigMap("a")}, {"web/eu-2/a.yaml", "kind: [broken"}});
  ParseCache cache(1 << 20);
  ASSERT_OK_AND_ASSIGN(const PathTemplate path, PathTemplate::Parse("web/${cluster.name}"));
  EXPECT_THAT(RenderPlain(snapshot, *path.Expand({"eu-2", {}}), {}, &cache),
              StatusIs(kInvalid, HasSubstr("web/eu-2/a.yaml:")));
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       RenderPlain(snapshot, *path.Expand({"eu-1", {}}), {}, &cache));
  EXPECT_EQ(set.manifest->size(), 1u);
}

}  // namespace
}  // namespace lockstep
