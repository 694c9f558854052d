#include "common/render/ignore.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

// As a walk would judge it: each directory on the way, then the file.
bool IsExcluded(const IgnoreRules& rules, absl::string_view path, bool is_directory = false) {
  IgnoreRules::Verdict verdict;
  for (size_t slash = path.find('/'); slash != absl::string_view::npos;
       slash = path.find('/', slash + 1)) {
    verdict = rules.Judge(verdict, path.substr(0, slash), true);
  }
  return rules.Judge(verdict, path, is_directory).excluded;
}

IgnoreRules Rules(absl::string_view content, absl::string_view directory = "") {
  return *IgnoreRules::Make(nullptr)->With(content, directory);
}

TEST(IgnorePattern, FollowsGitignore) {
  const struct {
    const char* pattern;
    const char* path;
    bool want;
  } kRows[] = {
      {"a.yaml", "a.yaml", true},
      {"a.yaml", "x/y/a.yaml", true},
      {"a.yaml", "x/a.yamlx", false},
      {"/a.yaml", "a.yaml", true},
      {"/a.yaml", "x/a.yaml", false},
      {"x/a.yaml", "x/a.yaml", true},
      {"x/a.yaml", "y/x/a.yaml", false},
      {"x", "x/a.yaml", true},
      {"x/", "x/a.yaml", true},
      {"x/", "x", false},  // A file.
      {"*.yaml", "x/a.yaml", true},
      {"*.yaml", ".yaml", true},
      {"x/*.yaml", "x/y/a.yaml", false},
      {"x*z", "xyz", true},
      {"x*z", "x/z", false},
      {"a?c", "abc", true},
      {"a?c", "a/c", false},
      {"[a-c].yaml", "b.yaml", true},
      {"[!a-c].yaml", "b.yaml", false},
      {"[^a-c].yaml", "d.yaml", true},
      {"[]x].yaml", "].yaml", true},
      {"[a-].yaml", "-.yaml", true},
      {"[ab", "[ab", false},
      {"**/a", "a", true},
      {"**/a", "x/y/a", true},
      {"**/x/a", "y/x/a", true},
      {"x/**", "x/y/z", true},
      {"x/**/a", "x/a", true},
      {"x/**/a", "x/y/z/a", true},
      {"x/**/a", "y/x/a", false},
      {"**", "anything/at/all", true},
      {"a**b", "axxb", true},
      {"\\#a", "#a", true},
      {"\\!a", "!a", true},
      {"\\*", "*", true},
      {"\\*", "a", false},
      {"a ", "a", true},
      {"a\\ ", "a ", true},
      {"# a", "# a", false},
      {"a\r", "a", true},
      {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(IsExcluded(Rules(row.pattern), row.path), row.want)
        << row.pattern << " on " << row.path;
  }
}

TEST(IgnorePattern, StandsWhereItsFileStands) {
  const IgnoreRules rules = Rules("a.yaml\n/b.yaml\n", "x");
  EXPECT_TRUE(IsExcluded(rules, "x/a.yaml"));
  EXPECT_TRUE(IsExcluded(rules, "x/y/a.yaml"));
  EXPECT_TRUE(IsExcluded(rules, "x/b.yaml"));
  EXPECT_FALSE(IsExcluded(rules, "x/y/b.yaml"));
  EXPECT_FALSE(IsExcluded(rules, "a.yaml"));
  EXPECT_FALSE(IsExcluded(rules, "xx/a.yaml"));
}

TEST(IgnoreRules, LastMatchDecidesAndADirectoryTakesAllInIt) {
  EXPECT_FALSE(IsExcluded(Rules("*.yaml\n!a.yaml\n"), "a.yaml"));
  EXPECT_TRUE(IsExcluded(Rules("!a.yaml\n*.yaml\n"), "a.yaml"));
  const IgnoreRules only_deploy = Rules("/*\n!/deploy\n/deploy/**/*.md\n");
  EXPECT_TRUE(IsExcluded(only_deploy, "docs/a.yaml"));
  EXPECT_FALSE(IsExcluded(only_deploy, "deploy/x/a.yaml"));
  EXPECT_TRUE(IsExcluded(only_deploy, "deploy/x/a.md"));
  // As Flux, unlike git.
  const IgnoreRules back = Rules("/apps/\n!/apps/keep.yaml\n");
  EXPECT_TRUE(back.MayTakeBack());
  EXPECT_TRUE(IsExcluded(back, "apps/a.yaml"));
  EXPECT_FALSE(IsExcluded(back, "apps/keep.yaml"));
}

TEST(IgnoreRules, HaveFluxsDefaultsUnlessSomethingElseIsSaid) {
  const IgnoreRules defaults = *IgnoreRules::Make(nullptr);
  for (const char* path :
       {".git/config", ".github/a.yaml", ".gitmodules", "x/.travis.yml", ".gitlab-ci.yml",
        "cloudbuild.yaml", "x/logo.png", "x/.sops.yaml", ".flux.yaml", "a.tar.gz"}) {
    EXPECT_TRUE(IsExcluded(defaults, path)) << path;
  }
  EXPECT_FALSE(IsExcluded(defaults, "apps/web/a.yaml"));
  const IgnoreRules with_file = Rules("x\n");
  EXPECT_FALSE(IsExcluded(with_file, "cloudbuild.yaml"));
  EXPECT_TRUE(IsExcluded(with_file, ".gitmodules"));
  const std::string ignore = "/docs/\n";
  const IgnoreRules with_spec = *IgnoreRules::Make(&ignore);
  EXPECT_FALSE(IsExcluded(with_spec, "cloudbuild.yaml"));
  EXPECT_TRUE(IsExcluded(with_spec, "docs/a.yaml"));
  const std::string nothing = "# none\n\n";
  EXPECT_TRUE(IsExcluded(*IgnoreRules::Make(&nothing), "cloudbuild.yaml"));
}

TEST(IgnoreRules, SpecComesAfterTheFiles) {
  const std::string ignore = "!a.yaml\nb.yaml\n";
  const IgnoreRules rules =
      *IgnoreRules::Make(&ignore)->With("*.yaml\n!b.yaml\n", "")->With("*.yaml\n", "x");
  EXPECT_FALSE(IsExcluded(rules, "a.yaml"));
  EXPECT_FALSE(IsExcluded(rules, "x/a.yaml"));
  EXPECT_TRUE(IsExcluded(rules, "x/b.yaml"));
  EXPECT_TRUE(IsExcluded(rules, "c.yaml"));
}

TEST(IgnoreRules, RefuseTooManyAndTooLongLines) {
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "a\n";
  EXPECT_THAT(IgnoreRules::Make(&many), StatusIs(absl::StatusCode::kResourceExhausted,
                                                 "1001 patterns would be in force; at most 1000"));
  const std::string longest(1025, 'a');
  EXPECT_THAT(IgnoreRules::Make(&longest),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("a line has 1025 bytes")));
}

}  // namespace
}  // namespace lockstep
