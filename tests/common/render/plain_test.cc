#include "common/render/plain.h"

#include <map>
#include <string>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "common/render/map_snapshot.h"
#include "tests/common/render/plain_fixture.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kCommit[] = "4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e";
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

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

TEST(RenderPlain, WarnsOfSubmodules) {
  MapSnapshot snapshot(kCommit, {{"a.yaml", ConfigMap("a")}});
  snapshot.AddSubmodule("lib", std::string(20, 'x'));
  ASSERT_OK_AND_ASSIGN(const RenderedSet set, RenderPlain(snapshot, "", {}, nullptr));
  EXPECT_THAT(set.warnings, ElementsAre("lib is a submodule, which is not read"));
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
