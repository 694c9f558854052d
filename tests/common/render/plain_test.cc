#include "common/render/plain.h"

#include <map>
#include <string>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/render/map_snapshot.h"
#include "common/render/path.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kCommit[] = "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e";
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::string ConfigMap(absl::string_view name, absl::string_view value = "v") {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\ndata:\n  k: ", value, "\n");
}

absl::StatusOr<RenderedSet> Render(const std::map<std::string, std::string>& files,
                                   absl::string_view path = "",
                                   const RenderParameters& parameters = {}) {
  const MapSnapshot snapshot(kCommit, files);
  return RenderPlain(snapshot, path, parameters, nullptr);
}

std::vector<std::string> Keys(const RenderedSet& set) {
  std::vector<std::string> keys;
  for (const RenderedObject& object : set.objects) keys.push_back(object.key.ToString());
  return keys;
}

TEST(RenderPlain, ReadsTheFolderInDepthAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       Render({{"apps/web/b.yaml", ConfigMap("b")},
                               {"apps/web/x/a.yml", ConfigMap("a")},
                               {"apps/web/c.json", R"({"apiVersion": "v1", "kind": "Namespace",
                                                                             "metadata": {"name": "c"}})"},
                               {"apps/web/README.md", "# no manifest"},
                               {"apps/other/d.yaml", ConfigMap("d")}},
                              "apps/web"));
  EXPECT_THAT(Keys(set), ElementsAre("ConfigMap default/a", "ConfigMap default/b", "Namespace c"));
  EXPECT_EQ(set.objects[0].file, "apps/web/x/a.yml");
  EXPECT_EQ(set.objects[0].line, 1u);
  EXPECT_EQ(set.manifest->size(), 3u);
  EXPECT_EQ(set.files, 3u);
  for (const RenderedObject& object : set.objects) {
    EXPECT_EQ(object.blob, Digest::Of(*object.json));
    EXPECT_EQ(set.manifest->Find(object.key)->blob, object.blob);
    EXPECT_EQ(set.Find(object.key), &object);
  }
}

TEST(RenderPlain, FlattensLists) {
  ASSERT_OK_AND_ASSIGN(const RenderedSet set, Render({{"a.yaml", R"(
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- apiVersion: v1
  kind: ConfigMapList
  items:
  - {metadata: {name: b}}
- {apiVersion: example.com/v1, kind: AllowList, metadata: {name: c}}
---
apiVersion: v1
kind: List
items:
)"}}));
  EXPECT_THAT(Keys(set),
              ElementsAre("ConfigMap default/a", "ConfigMap default/b", "AllowList.example.com c"));
  EXPECT_EQ(
      *set.objects[1].json,
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","namespace":"default"}})");
}

TEST(RenderPlain, GivesTheDefaultNamespaceToNamespacedKindsThatNameNone) {
  const std::string all = R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: none}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: written, namespace: other}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: empty, namespace: ""}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: labelled, labels: {metadata: x, z: "}"}, annotations: {a: "\"namespace\":"}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: owned, ownerReferences: [], uid: u}, data: {metadata: m}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ns}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: unknown}}
---
{apiVersion: example.com/v1, kind: Widget, metadata: {name: unknown, namespace: other}}
)";
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       Render({{"a.yaml", all}}, "", {.default_namespace = "shop"}));
  EXPECT_THAT(
      Keys(set),
      ElementsAre("ConfigMap other/written", "ConfigMap shop/empty", "ConfigMap shop/labelled",
                  "ConfigMap shop/none", "ConfigMap shop/owned", "Namespace ns",
                  "Widget.example.com unknown", "Widget.example.com other/unknown"));
  for (const RenderedObject& object : set.objects) {
    ASSERT_OK_AND_ASSIGN(const Value value, ReadJson(*object.json, "json"));
    EXPECT_EQ(value.Find("metadata")->StringAt("namespace"), object.key.namespace_);
    EXPECT_EQ(CanonicalJson(value), *object.json)
        << "what was put in stands where canonical JSON has it";
  }
}

TEST(RenderPlain, TakesTheScopeOfCustomKindsFromTheirDefinitionInTheSameFolder) {
  const auto crd = [](absl::string_view kind, absl::string_view scope) {
    return absl::StrCat(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ",
        kind, "}\nspec: {group: example.com, scope: ", scope, ", names: {kind: ", kind, "}}\n");
  };
  const auto object = [](absl::string_view kind, absl::string_view metadata) {
    return absl::StrCat("apiVersion: example.com/v1\nkind: ", kind, "\nmetadata: {", metadata,
                        "}\n");
  };
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       Render({{"a.yaml", object("Near", "name: a")},
                               {"b.yaml", object("Wide", "name: b, namespace: x")},
                               {"crd1.yaml", crd("Near", "Namespaced")},
                               {"crd2.yaml", crd("Wide", "Cluster")}}));
  EXPECT_THAT(Keys(set), ElementsAre("CustomResourceDefinition.apiextensions.k8s.io Near",
                                     "CustomResourceDefinition.apiextensions.k8s.io Wide",
                                     "Near.example.com default/a", "Wide.example.com b"));
}

TEST(RenderPlain, F64AFolderWithoutObjectsIsAnEmptySetAndNoError) {
  ASSERT_OK_AND_ASSIGN(
      const RenderedSet set,
      Render({{"apps/web/empty.yaml", ""}, {"apps/web/c.yaml", "# nothing\n---\n"}}, "apps/web"));
  EXPECT_TRUE(set.manifest->empty());
  EXPECT_EQ(set.files, 2u);
}

TEST(RenderPlain, F64AMissingPathIsNotFound) {
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

TEST(RenderPlain, TellsEveryFaultWithItsPlace) {
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

TEST(RenderPlain, A05RefusesNamesThatCouldNotBeFileNames) {
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

TEST(RenderPlain, TellsAllFaultsOfAFolderUpToTwenty) {
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

TEST(RenderPlain, RefusesAnObjectThatStandsTwice) {
  EXPECT_THAT(Render({{"a.yaml", ConfigMap("x")},
                      {"b/c.yaml", absl::StrCat("---\n", ConfigMap("x", "other"))}}),
              StatusIs(kInvalid,
                       "b/c.yaml:2:1: ConfigMap default/x is also in a.yaml:1; an application "
                       "names an object once"));
  // Equal after the default, and across versions of one API.
  EXPECT_FALSE(
      Render({{"a.yaml", ConfigMap("x")}, {"b.yaml", ConfigMap("x\n  namespace: default")}}).ok());
}

TEST(RenderPlain, RefusesAFolderThatIsForKustomize) {
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

TEST(RenderPlain, LeavesOutWhatIsExcluded) {
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       Render({{"apps/.sourceignore", "*-draft.yaml\n"},
                               {"apps/web/.sourceignore", "/tmp/\n!keep-draft.yaml\n"},
                               {"apps/web/a.yaml", ConfigMap("a")},
                               {"apps/web/b-draft.yaml", "[broken"},
                               {"apps/web/keep-draft.yaml", ConfigMap("kept")},
                               {"apps/web/tmp/c.yaml", "[broken"},
                               {"apps/web/docs/d.yaml", "[broken"}},
                              "apps/web", {.ignore = "docs/\n"}));
  EXPECT_THAT(Keys(set), ElementsAre("ConfigMap default/a", "ConfigMap default/kept"));
  EXPECT_THAT(
      Render({{"apps/web/a.yaml", ConfigMap("a")}, {".sourceignore", "/apps/\n"}}, "apps/web"),
      StatusIs(absl::StatusCode::kNotFound,
               "path \"apps/web\" is excluded by the source's ignore rules; take it back "
               "with \"!/apps/web\" there"));
  ASSERT_OK(
      Render({{"apps/web/a.yaml", ConfigMap("a")}, {".sourceignore", "/apps/\n!/apps/web/\n"}},
             "apps/web"));
}

TEST(RenderPlain, A02NeverFollowsASymbolicLink) {
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

TEST(RenderPlain, WarnsOfSubmodules) {
  MapSnapshot snapshot(kCommit, {{"a.yaml", ConfigMap("a")}});
  snapshot.AddSubmodule("lib", std::string(20, 'x'));
  ASSERT_OK_AND_ASSIGN(const RenderedSet set, RenderPlain(snapshot, "", {}, nullptr));
  EXPECT_THAT(set.warnings, ElementsAre("lib is a submodule, which is not read"));
}

TEST(RenderPlain, A07RefusesWhatIsOverALimitByItsName) {
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

TEST(RenderPlain, RefusesFileNamesThatCannotBePrinted) {
  EXPECT_THAT(Render({{"a\nb.yaml", ConfigMap("a")}}),
              StatusIs(kInvalid,
                       "a\\nb.yaml: the name holds a control character, a backslash or bytes that "
                       "are no UTF-8; rename it"));
  EXPECT_FALSE(Render({{"a\xff/b.yaml", ConfigMap("a")}}).ok());
}

TEST(RenderPlain, ParsesWhatChangedOnly) {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 50; ++i)
    files[absl::StrCat("f", i, ".yaml")] = ConfigMap(absl::StrCat("c", i));
  ParseCache cache(16 << 20);
  ASSERT_OK_AND_ASSIGN(const RenderedSet first,
                       RenderPlain(MapSnapshot(kCommit, files), "", {}, &cache));
  EXPECT_EQ(first.files_parsed, 50u);
  files["f7.yaml"] = ConfigMap("c7", "changed");
  ASSERT_OK_AND_ASSIGN(const RenderedSet second,
                       RenderPlain(MapSnapshot(kCommit, files), "", {}, &cache));
  EXPECT_EQ(second.files_parsed, 1u);
  ASSERT_OK_AND_ASSIGN(const RenderedSet fresh,
                       RenderPlain(MapSnapshot(kCommit, files), "", {}, nullptr));
  EXPECT_EQ(second.manifest->digest(), fresh.manifest->digest());
  EXPECT_NE(second.manifest->digest(), first.manifest->digest());
  // Another namespace parses nothing, and neither form disturbs the other.
  ASSERT_OK_AND_ASSIGN(const RenderedSet shop, RenderPlain(MapSnapshot(kCommit, files), "",
                                                           {.default_namespace = "shop"}, &cache));
  EXPECT_EQ(shop.files_parsed, 0u);
  EXPECT_EQ(shop.objects[0].key.namespace_, "shop");
  ASSERT_OK_AND_ASSIGN(const RenderedSet again,
                       RenderPlain(MapSnapshot(kCommit, files), "", {}, &cache));
  EXPECT_EQ(again.manifest->digest(), fresh.manifest->digest());
}

TEST(RenderPlain, ReadsOneContentAsWhatItsNameSays) {
  // YAML knows no pairs of escapes for one character; JSON does.
  const std::string content =
      R"({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
                                  "data": {"smile": "\ud83d\ude00"}})";
  ParseCache cache(1 << 20);
  ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                       RenderPlain(MapSnapshot(kCommit, {{"a.json", content}}), "", {}, &cache));
  EXPECT_THAT(*set.objects[0].json, HasSubstr("\U0001F600"));
  EXPECT_THAT(RenderPlain(MapSnapshot(kCommit, {{"a.yaml", content}}), "", {}, &cache),
              StatusIs(kInvalid, HasSubstr("a.yaml:2:")));
}

TEST(RenderPlain, IsTheSameWhateverTheCacheHolds) {
  ParseCache small(600);
  const std::map<std::string, std::string> files = {{"a.yaml", ConfigMap("a")},
                                                    {"b.yaml", ConfigMap("b")},
                                                    {"c.yaml", ConfigMap("c")},
                                                    {"d.yaml", "[broken"}};
  EXPECT_FALSE(RenderPlain(MapSnapshot(kCommit, files), "", {}, &small).ok());
  EXPECT_EQ(RenderPlain(MapSnapshot(kCommit, files), "", {}, &small).status(),
            Render(files).status());
  EXPECT_LE(small.stats().bytes, 600u);
}

TEST(RenderPlain, F70AnErrorOfOneClustersFolderIsThatClustersAlone) {
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

TEST(RenderInput, IsEqualWhereNothingThatCountsChanged) {
  const RenderParameters parameters;
  MapSnapshot snapshot(kCommit,
                       {{"apps/web/a.yaml", ConfigMap("a")}, {"apps/db/b.yaml", ConfigMap("b")}});
  ASSERT_OK_AND_ASSIGN(const Digest before, RenderInput(snapshot, "apps/web", parameters));
  snapshot.AddFile("apps/db/b.yaml", ConfigMap("b", "changed"));
  EXPECT_EQ(*RenderInput(snapshot, "apps/web", parameters), before);
  EXPECT_NE(*RenderInput(snapshot, "apps/web", {.default_namespace = "shop"}), before);
  EXPECT_NE(*RenderInput(snapshot, "apps/web", {.ignore = ""}), before);
  snapshot.AddFile("apps/.sourceignore", "a.yaml\n");
  ASSERT_OK_AND_ASSIGN(const Digest ignored, RenderInput(snapshot, "apps/web", parameters));
  EXPECT_NE(ignored, before);
  snapshot.AddFile("apps/web/x/c.yaml", ConfigMap("c"));
  EXPECT_NE(*RenderInput(snapshot, "apps/web", parameters), ignored);
}

}  // namespace
}  // namespace lockstep
