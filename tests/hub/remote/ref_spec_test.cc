#include "hub/remote/ref_spec.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kA(40, 'a');
const std::string kB(40, 'b');

const std::vector<RemoteRef> kRemote = {
    {"HEAD", kA, "refs/heads/main"}, {"refs/heads/main", kA, ""},
    {"refs/heads/release", kB, ""},  {"refs/pull/1/head", kB, ""},
    {"refs/tags/v1.0.0", kA, ""},    {"refs/tags/v1.2.0", kB, ""},
    {"refs/tags/v1.10.0", kB, ""},   {"refs/tags/v2.0.0-rc.1", kB, ""},
    {"refs/tags/latest", kB, ""},    {"refs/tags/v1.9.0\x1b", kB, ""},
};

TEST(ChooseRefs, FollowsTheRemotesHeadWhereNothingIsSaid) {
  ASSERT_OK_AND_ASSIGN(const RefChoice choice, ChooseRefs({}, kRemote));
  EXPECT_THAT(choice.fetch, ElementsAre("refs/heads/main"));
  EXPECT_EQ(choice.from, "refs/heads/main");
  EXPECT_EQ(choice.shown, "main");
}

TEST(ChooseRefs, FindsADetachedHeadUnderAnyRefWithItsTarget) {
  const std::vector<RemoteRef> remote = {
      {"HEAD", kB, ""}, {"refs/heads/main", kA, ""}, {"refs/tags/v1", kB, ""}};
  ASSERT_OK_AND_ASSIGN(const RefChoice choice, ChooseRefs({}, remote));
  EXPECT_EQ(choice.from, "refs/tags/v1");
  EXPECT_EQ(choice.shown, "HEAD");
  EXPECT_THAT(ChooseRefs({}, std::vector<RemoteRef>{{"HEAD", kB, ""}, {"refs/heads/main", kA, ""}}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("spec.ref.branch")));
  EXPECT_THAT(ChooseRefs({}, std::vector<RemoteRef>{{"refs/heads/main", kA, ""}}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("HEAD")));
}

TEST(ChooseRefs, TakesTheRefThatIsNamed) {
  ASSERT_OK_AND_ASSIGN(const RefChoice branch, ChooseRefs({.branch = "release"}, kRemote));
  EXPECT_EQ(branch.from, "refs/heads/release");
  EXPECT_EQ(branch.shown, "release");
  ASSERT_OK_AND_ASSIGN(const RefChoice tag, ChooseRefs({.tag = "latest"}, kRemote));
  EXPECT_EQ(tag.from, "refs/tags/latest");
  ASSERT_OK_AND_ASSIGN(const RefChoice name, ChooseRefs({.name = "refs/pull/1/head"}, kRemote));
  EXPECT_EQ(name.from, "refs/pull/1/head");
  EXPECT_EQ(name.shown, "refs/pull/1/head");
}

TEST(ChooseRefs, TakesTheHighestVersionInTheRange) {
  ASSERT_OK_AND_ASSIGN(const RefChoice choice, ChooseRefs({.semver = "^1"}, kRemote));
  EXPECT_EQ(choice.from, "refs/tags/v1.10.0");
  EXPECT_EQ(choice.shown, "v1.10.0");
  ASSERT_OK_AND_ASSIGN(const RefChoice rc, ChooseRefs({.semver = ">=1.0.0-0"}, kRemote));
  EXPECT_EQ(rc.from, "refs/tags/v2.0.0-rc.1");
  EXPECT_THAT(ChooseRefs({.semver = ">=3"}, kRemote),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(">=3")));
}

TEST(ChooseRefs, LooksForACommitWhereItIsSaidToLieElseEverywhere) {
  ASSERT_OK_AND_ASSIGN(const RefChoice beside,
                       ChooseRefs({.branch = "release", .commit = kA}, kRemote));
  EXPECT_THAT(beside.fetch, ElementsAre("refs/heads/release"));
  EXPECT_EQ(beside.commit, kA);
  EXPECT_EQ(beside.shown, "release");
  ASSERT_OK_AND_ASSIGN(const RefChoice alone, ChooseRefs({.commit = kA}, kRemote));
  EXPECT_EQ(alone.fetch.size(), 7u);
  EXPECT_EQ(alone.from, "");
  EXPECT_EQ(RevisionName(alone.shown, alone.commit), "sha1:" + kA);
}

TEST(ChooseRefs, F63NamesTheRefThatIsGone) {
  EXPECT_THAT(ChooseRefs({.branch = "gone"}, kRemote),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("refs/heads/gone")));
  EXPECT_THAT(ChooseRefs({.tag = "gone"}, kRemote),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("refs/tags/gone")));
  EXPECT_THAT(ChooseRefs({.branch = "main"}, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("empty")));
}

TEST(ValidateGitRef, A09LetsOnlyNamesAndWholeIdsPass) {
  for (const std::string& text :
       {std::string(":/(a+)+$"),   std::string("@{-1}"),     std::string("main@{1}"),
        std::string("main^{/x}"),  std::string("main~1"),    std::string("main^"),
        std::string(1 << 20, '~'), std::string("a..b"),      std::string("-x"),
        std::string("a b"),        std::string("a\x1b[31m"), std::string("a\xc2\x9b-31m"),
        std::string("a\0b", 3),    std::string(".a"),        std::string("a/.b"),
        std::string("a.lock"),     std::string("a/"),        std::string("/a"),
        std::string("a//b"),       std::string("a."),        std::string("a\\b"),
        std::string("a*"),         std::string("a["),        std::string("a?"),
        std::string("a:b"),        std::string(300, 'a'),    std::string("\xff"),
        std::string("a/-b")}) {
    EXPECT_THAT(ValidateGitRef({.branch = text}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.branch")));
    EXPECT_THAT(ValidateGitRef({.tag = text}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.tag")));
    EXPECT_THAT(ValidateGitRef({.name = "refs/heads/" + text}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.name")));
    EXPECT_THAT(ValidateGitRef({.commit = text}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.commit")));
  }
  for (const std::string& text :
       {kA.substr(1), kA + "a", std::string(40, 'A'), std::string(40, 'g'), std::string("HEAD")}) {
    EXPECT_FALSE(ValidateGitRef({.commit = text}).ok()) << text;
  }
  EXPECT_OK(ValidateGitRef({.branch = "feature/größe-1.2_x"}));
  EXPECT_OK(ValidateGitRef({.name = "refs/pull/1/head"}));
  EXPECT_OK(ValidateGitRef({.commit = kA}));
}

TEST(ValidateGitRef, LetsOneOfThemStandAndACommitBesideBranchOrName) {
  EXPECT_OK(ValidateGitRef({}));
  EXPECT_OK(ValidateGitRef({.branch = "main", .commit = kA}));
  EXPECT_OK(ValidateGitRef({.name = "refs/heads/main", .commit = kA}));
  EXPECT_FALSE(ValidateGitRef({.branch = "main", .tag = "v1"}).ok());
  EXPECT_FALSE(ValidateGitRef({.tag = "v1", .commit = kA}).ok());
  EXPECT_FALSE(ValidateGitRef({.semver = "^1", .commit = kA}).ok());
  EXPECT_THAT(ValidateGitRef({.branch = "refs/heads/main"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.name")));
  EXPECT_FALSE(ValidateGitRef({.name = "main"}).ok());
  EXPECT_FALSE(ValidateGitRef({.name = "HEAD"}).ok());
  EXPECT_FALSE(ValidateGitRef({.semver = "latest"}).ok());
}

}  // namespace
}  // namespace lockstep
