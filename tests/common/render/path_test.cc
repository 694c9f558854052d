#include "common/render/path.h"

#include <string>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(NormalizePath, TakesWhatPeopleWrite) {
  for (const auto& [path, want] : {std::pair("", ""),
                                   {".", ""},
                                   {"./", ""},
                                   {"apps/web", "apps/web"},
                                   {"./apps//web/", "apps/web"},
                                   {"a/./b", "a/b"},
                                   {"a..b/...", "a..b/..."},
                                   {"döner/ß", "döner/ß"}}) {
    ASSERT_OK_AND_ASSIGN(const std::string got, NormalizePath(path));
    EXPECT_EQ(got, want);
  }
}

TEST(NormalizePath, A01RefusesEveryWayOutOfTheRepository) {
  std::string segments;
  for (int i = 0; i < 5000; ++i) segments += "a/";
  std::string hundred_and_one;
  for (int i = 0; i < 101; ++i) hundred_and_one += "a/";
  for (const std::string& path : {std::string(".."),
                                  std::string("../x"),
                                  std::string("a/../b"),
                                  std::string("a/.."),
                                  std::string("%2e%2e"),
                                  std::string("%2E%2e/x"),
                                  std::string("a%2fb"),
                                  std::string("a\\b"),
                                  std::string("..\\x"),
                                  std::string("/etc"),
                                  std::string("//host/x"),
                                  std::string("file:///etc"),
                                  std::string("FILE:x"),
                                  std::string("https://h/x"),
                                  std::string("a\0b", 3),
                                  std::string("a\nb"),
                                  std::string("a\x7f"),
                                  std::string("a\xff"),
                                  segments,
                                  hundred_and_one}) {
    EXPECT_THAT(NormalizePath(path), StatusIs(kInvalid, HasSubstr("path \""))) << path;
  }
}

TEST(NormalizePath, SaysWhatToDo) {
  EXPECT_THAT(NormalizePath("/apps"),
              StatusIs(kInvalid,
                       "path \"/apps\" is absolute; write it from the root of the "
                       "repository, without \"/\""));
  EXPECT_THAT(
      NormalizePath("a/../b"),
      StatusIs(kInvalid, "path \"a/../b\" holds \"..\"; it must stay inside the repository"));
}

TEST(PathTemplate, PutsClustersNameAndLabelsIn) {
  ASSERT_OK_AND_ASSIGN(const PathTemplate path,
                       PathTemplate::Parse("apps/${cluster.labels.topology.kubernetes.io/region}/"
                                           "x-${cluster.name}/$${cluster.name}/$5"));
  EXPECT_TRUE(path.HasPlaceholders());
  ASSERT_OK_AND_ASSIGN(const std::string got,
                       path.Expand({"eu-3", {{"topology.kubernetes.io/region", "eu"}}}));
  EXPECT_EQ(got, "apps/eu/x-eu-3/${cluster.name}/$5");
  ASSERT_OK_AND_ASSIGN(const PathTemplate plain, PathTemplate::Parse("apps/web"));
  EXPECT_FALSE(plain.HasPlaceholders());
}

TEST(PathTemplate, RefusesALabelThatIsMissingOrEmpty) {
  ASSERT_OK_AND_ASSIGN(const PathTemplate path,
                       PathTemplate::Parse("apps/${cluster.labels.region}"));
  EXPECT_THAT(path.Expand({"eu-3", {}}), StatusIs(kInvalid,
                                                  "path \"apps/${cluster.labels.region}\" needs "
                                                  "the label region, which cluster eu-3 lacks; "
                                                  "set it with `lockstep cluster label`"));
  EXPECT_THAT(path.Expand({"eu-3", {{"region", ""}}}),
              StatusIs(kInvalid, HasSubstr("which cluster eu-3 has empty")));
}

TEST(PathTemplate, A01NoLabelLeadsOut) {
  ASSERT_OK_AND_ASSIGN(const PathTemplate path, PathTemplate::Parse("apps/${cluster.labels.a}"));
  for (const char* value : {"..", ".", "../x", "a/b", "/etc", "%2e%2e", "a\\b", "a\nb"}) {
    EXPECT_FALSE(path.Expand({"eu-3", {{"a", value}}}).ok()) << value;
  }
  ASSERT_OK_AND_ASSIGN(const PathTemplate dots, PathTemplate::Parse(".${cluster.name}"));
  EXPECT_FALSE(dots.Expand({".", {}}).ok());
}

TEST(PathTemplate, RefusesWhatNoClusterCouldMakeRight) {
  EXPECT_THAT(
      PathTemplate::Parse("apps/${cluster.nme}"),
      StatusIs(
          kInvalid,
          "path \"apps/${cluster.nme}\" has the unknown placeholder ${cluster.nme}; did you mean "
          "${cluster.name}?"));
  EXPECT_THAT(PathTemplate::Parse("a/${env}"),
              StatusIs(kInvalid, HasSubstr("unknown placeholder ${env}")));
  EXPECT_THAT(PathTemplate::Parse("a/${cluster.name"),
              StatusIs(kInvalid, HasSubstr("write $${ for a literal ${")));
  EXPECT_THAT(PathTemplate::Parse("../${cluster.name}"),
              StatusIs(kInvalid, HasSubstr("holds \"..\"")));
  EXPECT_THAT(PathTemplate::Parse("${cluster.labels.}"),
              StatusIs(kInvalid, HasSubstr("label key")));
}

}  // namespace
}  // namespace lockstep
