#include <cstdint>
#include <string>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"

// What a fetch from a file:// repository brings after the first.

namespace lockstep {
namespace {

TEST(LocalCopy, WhatIsOverTheLimitAsItIsMayBeBelowItAsDifferences) {
  TestRepository repository;
  TestSource source({"file:///"}, {.bytes = 200'000});
  std::string noise;  // That nothing makes smaller.
  for (uint32_t i = 0, x = 1; i < 20'000; ++i)
    noise.push_back(static_cast<char>((x = x * 1664525 + 1013904223) >> 24));
  repository.Commit({{"a", noise}});
  ASSERT_OK_AND_ASSIGN(FetchResult result, source.Fetch(repository.FileUrl()));
  for (int i = 0; i < 20; ++i) repository.Commit({{"a", absl::StrCat(i, noise)}});
  ASSERT_OK_AND_ASSIGN(result, source.Fetch(repository.FileUrl()));
  EXPECT_LT(result.bytes, 200'000);
  EXPECT_EQ(source.Read(result, "a"), absl::StrCat(19, noise));
  for (int i = 0; i < 3; ++i) repository.Commit({{"a", absl::StrCat(noise, i)}});
  ASSERT_OK_AND_ASSIGN(result, source.Fetch(repository.FileUrl()));
  EXPECT_GT(result.bytes, 50'000) << "differences were looked for where that was not needed";
  EXPECT_EQ(source.Read(result, "a"), absl::StrCat(noise, 2));
}

TEST(LocalCopy, AFileRepositoryIsCopiedByWhatIsNewInIt) {
  TestRepository repository;
  TestSource source({"file:///"});
  repository.Commit({{"a/x", "1"}, {"a/y", "2"}, {"b/x", "3"}, {"b/c/x", "4"}});
  ASSERT_OK(source.Fetch(repository.FileUrl()));
  // One file anew, one moved, one that is elsewhere already: a commit, the directories that differ,
  // and a blob.
  repository.Commit({{"a/x", "5"}, {"d/y", "2"}, {"b/c/y", "1"}});
  ASSERT_OK_AND_ASSIGN(FetchResult result, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(result.objects, 7);  // The root, a, b, b/c, d; the commit and the blob.
  EXPECT_EQ(source.Read(result, "d/y"), "2");
  EXPECT_EQ(source.Read(result, "b/c/x"), "4");
  // A whole side branch and the commit that merges it.
  repository.Git({"checkout", "-q", "-b", "side", "HEAD~1"});
  repository.Commit({{"e/f/g", "6"}});
  repository.Commit({{"e/f/g", "7"}});
  repository.Git({"checkout", "-q", "main"});
  repository.Git({"merge", "-q", "--no-ff", "-m", "both", "side"});
  repository.Commit({{"h", "8"}});
  ASSERT_OK_AND_ASSIGN(result, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(source.Read(result, "e/f/g"), "7");
  EXPECT_EQ(source.Read(result, "a/x"), "5");
  EXPECT_EQ(source.Read(result, "h"), "8");
}

TEST(LocalCopy, AnAnnotatedTagThatMovesIsFollowed) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  repository.Git({"tag", "-a", "-m", "one", "v1"});
  repository.Git({"push", "-q", "origin", "v1"});
  TestSource source({"file:///"});
  ASSERT_OK(source.Fetch(repository.FileUrl(), {.tag = "v1"}));
  const std::string second = repository.Commit({{"a", "2"}});
  repository.Git({"tag", "-f", "-a", "-m", "two", "v1"});
  repository.Git({"push", "-q", "-f", "origin", "v1"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(repository.FileUrl(), {.tag = "v1"}));
  EXPECT_EQ(result.commit, second);
  EXPECT_EQ(source.Read(result, "a"), "2");
}

TEST(LocalCopy, AFileRepositoryThatLacksAnObjectLeavesTheMirrorAsItWas) {
  TestRepository repository;
  const std::string first = repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(FetchResult result, source.Fetch(repository.FileUrl()));
  const std::string second = repository.Commit({{"b/lost", "x"}});
  const std::string id = repository.Git({"rev-parse", "HEAD:b/lost"});
  const std::string object =
      absl::StrCat(repository.bare(), "/objects/", id.substr(0, 2), "/", id.substr(2));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(object));
  ASSERT_OK(RemoveFile(object));
  EXPECT_FALSE(source.Fetch(repository.FileUrl()).ok());
  EXPECT_EQ(source.Read(result, "a"), "1");

  ASSERT_OK(WriteFileAtomic(object, bytes, Durability::kNone));
  ASSERT_OK_AND_ASSIGN(result, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(result.commit, second);
  EXPECT_EQ(result.previous, first);
  EXPECT_EQ(source.Read(result, "b/lost"), "x");
}

}  // namespace
}  // namespace lockstep
