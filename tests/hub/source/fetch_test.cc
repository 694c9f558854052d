#include <cstdio>
#include <string>
#include <unistd.h>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/base/channel.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"

// Fetches from file:// repositories: what is chosen, what moves, what stays.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Fetch, BringsTheHeadAndThenOnlyWhatIsNew) {
  TestRepository repository;
  const std::string first = repository.Commit({{"apps/web.yaml", "kind: A\n"}});
  TestSource source({"file:///"});

  ASSERT_OK_AND_ASSIGN(const FetchResult clone, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(clone.revision, "main@sha1:" + first);
  EXPECT_EQ(clone.commit, first);
  EXPECT_EQ(clone.ref, "refs/heads/main");
  EXPECT_EQ(clone.previous, "");
  EXPECT_TRUE(clone.changed);
  EXPECT_FALSE(clone.forced);
  EXPECT_GT(clone.bytes, 0);
  EXPECT_EQ(source.Read(clone, "apps/web.yaml"), "kind: A\n");

  ASSERT_OK_AND_ASSIGN(const FetchResult idle, source.Fetch(repository.FileUrl()));
  EXPECT_FALSE(idle.changed);
  EXPECT_EQ(idle.commit, first);
  EXPECT_EQ(idle.objects, 0);

  const std::string second = repository.Commit({{"apps/web.yaml", "kind: B\n"}});
  ASSERT_OK_AND_ASSIGN(const FetchResult next, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(next.commit, second);
  EXPECT_EQ(next.previous, first);
  EXPECT_TRUE(next.changed);
  EXPECT_FALSE(next.forced);
  EXPECT_EQ(next.objects, 4);  // A commit, two trees, a blob.
  EXPECT_EQ(source.Read(next, "apps/web.yaml"), "kind: B\n");
  EXPECT_EQ(next.mirror, clone.mirror);
}

TEST(Fetch, F65AnOpenedCommitStaysWhatItWas) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(repository.FileUrl()));
  ASSERT_OK_AND_ASSIGN(const auto snapshot, source->Open(result.mirror, result.commit));
  repository.Commit({{"a", "2"}});
  ASSERT_OK_AND_ASSIGN(const FetchResult moved, source.Fetch(repository.FileUrl()));
  EXPECT_NE(moved.commit, result.commit);
  EXPECT_EQ(**snapshot->ReadFile("a", 10), "1");
  EXPECT_EQ(source.Read(moved, "a"), "2");
}

TEST(Fetch, F62AForcedPushIsFollowedAndNamesBothHeads) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  const std::string old_head = repository.Commit({{"a", "2"}});
  TestSource source({"file:///"});
  ASSERT_OK(source.Fetch(repository.FileUrl(), {.branch = "main"}));
  repository.Git({"reset", "--quiet", "--hard", "HEAD~1"});
  const std::string new_head = repository.Commit({{"b", "3"}});
  ASSERT_OK_AND_ASSIGN(const FetchResult result,
                       source.Fetch(repository.FileUrl(), {.branch = "main"}));
  EXPECT_TRUE(result.forced);
  EXPECT_EQ(result.previous, old_head);
  EXPECT_EQ(result.commit, new_head);
  EXPECT_EQ(source.Read(result, "b"), "3");
}

TEST(Fetch, F63ABranchOrRepositoryThatIsGoneIsAnErrorAndTheLastCommitStaysReadable) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  repository.Git({"push", "--quiet", "origin", "HEAD:refs/heads/release"});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult before,
                       source.Fetch(repository.FileUrl(), {.branch = "release"}));
  repository.Git({"push", "--quiet", "origin", ":refs/heads/release"});
  EXPECT_THAT(source.Fetch(repository.FileUrl(), {.branch = "release"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("refs/heads/release")));
  EXPECT_EQ(source.Read(before, "a"), "1");
  EXPECT_OK(source.Fetch(repository.FileUrl(), {.branch = "main"}));

  ASSERT_OK(RemoveTree(repository.bare()));
  EXPECT_THAT(source.Fetch(repository.FileUrl(), {.branch = "main"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nothing lies")));
  EXPECT_EQ(source.Read(before, "a"), "1");
}

TEST(Fetch, AnEmptyRepositoryIsAnErrorNotAnEmptyTree) {
  TestRepository repository;
  TestSource source({"file:///"});
  EXPECT_THAT(source.Fetch(repository.FileUrl()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("empty")));
}

TEST(Fetch, TakesTagsVersionsNamesAndCommits) {
  TestRepository repository;
  const std::string one = repository.Commit({{"a", "1"}});
  repository.Git({"tag", "v1.0.0"});
  const std::string two = repository.Commit({{"a", "2"}});
  repository.Git({"tag", "--annotate", "--message", "release", "v1.2.0"});
  const std::string three = repository.Commit({{"a", "3"}});
  repository.Git({"push", "--quiet", "origin", "v1.0.0", "v1.2.0", "HEAD:refs/pull/7/head"});
  repository.Git({"push", "--quiet", "origin", one + ":refs/heads/old"});
  TestSource source({"file:///"});

  ASSERT_OK_AND_ASSIGN(const FetchResult tag,
                       source.Fetch(repository.FileUrl(), {.tag = "v1.0.0"}));
  EXPECT_EQ(tag.revision, "v1.0.0@sha1:" + one);
  ASSERT_OK_AND_ASSIGN(const FetchResult version,
                       source.Fetch(repository.FileUrl(), {.semver = "^1.0"}));
  EXPECT_EQ(version.revision, "v1.2.0@sha1:" + two);
  EXPECT_EQ(source.Read(version, "a"), "2");
  ASSERT_OK_AND_ASSIGN(const FetchResult name,
                       source.Fetch(repository.FileUrl(), {.name = "refs/pull/7/head"}));
  EXPECT_EQ(name.revision, "refs/pull/7/head@sha1:" + three);

  ASSERT_OK_AND_ASSIGN(const FetchResult pinned,
                       source.Fetch(repository.FileUrl(), {.branch = "main", .commit = two}));
  EXPECT_EQ(pinned.revision, "main@sha1:" + two);
  EXPECT_EQ(source.Read(pinned, "a"), "2");
  EXPECT_THAT(
      source.Fetch(repository.FileUrl(), {.branch = "old", .commit = two}),
      StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr(two), HasSubstr("refs/heads/old"))));

  ASSERT_OK_AND_ASSIGN(const FetchResult bare, source.Fetch(repository.FileUrl(), {.commit = two}));
  EXPECT_EQ(bare.revision, "sha1:" + two);
  ASSERT_OK_AND_ASSIGN(const FetchResult again,
                       source.Fetch(repository.FileUrl(), {.commit = two}));
  EXPECT_EQ(again.commit, two);
  EXPECT_FALSE(again.changed);
  EXPECT_THAT(source.Fetch(repository.FileUrl(), {.commit = std::string(40, 'a')}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("any branch or tag")));
}

TEST(Fetch, ABareCommitIsFoundInANewMirror) {
  TestRepository repository;
  const std::string one = repository.Commit({{"a", "1"}});
  repository.Commit({{"a", "2"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result,
                       source.Fetch(repository.FileUrl(), {.commit = one}));
  EXPECT_EQ(source.Read(result, "a"), "1");
}

TEST(Fetch, ATagOfSomethingElseIsRefused) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  repository.Git({"tag", "blob", "HEAD:a"});
  repository.Git({"push", "--quiet", "origin", "blob"});
  TestSource source({"file:///"});
  EXPECT_THAT(source.Fetch(repository.FileUrl(), {.tag = "blob"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no commit")));
}

TEST(Fetch, ABranchThatBecameADirectoryOfBranchesIsFollowed) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  repository.Git({"push", "--quiet", "origin", "HEAD:refs/heads/x"});
  TestSource source({"file:///"});
  ASSERT_OK(source.Fetch(repository.FileUrl(), {.branch = "x"}));
  repository.Git({"push", "--quiet", "origin", ":refs/heads/x"});
  repository.Git({"push", "--quiet", "origin", "HEAD:refs/heads/x/y"});
  ASSERT_OK(source.Fetch(repository.FileUrl(), {.branch = "x/y"}));
  repository.Git({"push", "--quiet", "origin", ":refs/heads/x/y"});
  repository.Git({"push", "--quiet", "origin", "HEAD:refs/heads/x"});
  ASSERT_OK(source.Fetch(repository.FileUrl(), {.branch = "x"}));
}

TEST(Fetch, A09ABadRefIsRefusedBeforeAnythingRuns) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  for (const std::string& text :
       {std::string(":/(a+)+$"), std::string("main@{1}"), std::string(1 << 20, '~')}) {
    EXPECT_THAT(source.Fetch(repository.FileUrl(), {.branch = text}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.ref.branch")));
  }
  EXPECT_FALSE(
      PathExists(source.MirrorPath(MirrorName(GitUrl::Parse(repository.FileUrl()).value(), ""))));
}

TEST(Fetch, A18FilesAreReadOnlyWhereTheHubAllowsIt) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestSource source({"file://" + repository.root() + "/other", "10.0.0.0/8"});
  EXPECT_THAT(source.Fetch(repository.FileUrl()),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")));
}

TEST(Fetch, A18AFileRepositoryThatLeadsOutOfItselfIsRefused) {
  const auto spoil = [](const TestRepository& repository, const std::string& how) {
    const std::string bare = repository.bare();
    if (how == "alternates") {
      ASSERT_OK(WriteFileAtomic(bare + "/objects/info/alternates", "/srv/other/objects\n",
                                Durability::kNone));
    } else if (how == "[include]") {
      ASSERT_OK_AND_ASSIGN(const std::string config, ReadFile(bare + "/config"));
      ASSERT_OK(WriteFileAtomic(bare + "/config", config + " [Include]\n path = /etc/passwd\n",
                                Durability::kNone));
    } else if (how == "commondir") {
      ASSERT_OK(WriteFileAtomic(bare + "/commondir", "/srv/other\n", Durability::kNone));
    } else if (how == ".git file") {
      ASSERT_OK(WriteFileAtomic(bare + "/.git", "gitdir: /srv/other\n", Durability::kNone));
    } else {
      ASSERT_EQ(rename((bare + "/objects").c_str(), (repository.root() + "/objects").c_str()), 0);
      ASSERT_EQ(symlink("../objects", (bare + "/objects").c_str()), 0);
    }
  };
  for (const char* how :
       {"alternates", "[include]", "commondir", ".git file", "link \"objects\""}) {
    TestRepository repository;
    repository.Commit({{"a", "1"}});
    spoil(repository, how);
    TestSource source({repository.FileUrl()});
    EXPECT_THAT(source.Fetch(repository.FileUrl()),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(how), HasSubstr("leads to other directories"))));
  }
}

TEST(Fetch, AWorkingTreesRepositoryIsRead) {
  TestRepository repository;
  const std::string head = repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch("file://" + repository.work()));
  EXPECT_EQ(result.commit, head);
}

TEST(Fetch, A20RefNamesThatGitDoesNotAllowAreAsIfTheyWereNotThere) {
  TestRepository repository;
  const std::string head = repository.Commit({{"a", "1"}});
  ASSERT_OK(WriteFileAtomic(repository.bare() + "/packed-refs",
                            "# pack-refs with: peeled fully-peeled sorted \n" + head +
                                " refs/../../escape\n" + head + " refs/heads/-x\n" + head +
                                " refs/heads/main\n" + head + " refs/tags/" +
                                std::string(4096, 't') + "\n",
                            Durability::kNone));
  TestSource source({"file:///"});
  const absl::StatusOr<FetchResult> result = source.Fetch(repository.FileUrl(), {.branch = "main"});
  // Either is right: the names are left out, or the remote is refused; nothing is written outside
  // of our own refs.
  const std::string mirror =
      source.MirrorPath(MirrorName(GitUrl::Parse(repository.FileUrl()).value(), ""));
  if (result.ok()) {
    EXPECT_EQ(result->commit, head);
  }
  EXPECT_FALSE(PathExists(mirror + "/escape"));
  EXPECT_FALSE(PathExists(mirror + "/../escape"));
  EXPECT_FALSE(PathExists(mirror + "/refs/tags/" + std::string(200, 't')));
}

TEST(Fetch, LeftoversOfAKilledFetchDoNotFailTheNext) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult first, source.Fetch(repository.FileUrl()));
  const std::string mirror = source.MirrorPath(first.mirror);
  ASSERT_OK(WriteFileAtomic(mirror + "/objects/pack/pack_git2_abc", "half", Durability::kNone));
  ASSERT_OK(WriteFileAtomic(mirror + "/refs/heads/main.lock", "", Durability::kNone));
  const std::string second = repository.Commit({{"a", "2"}});
  ASSERT_OK_AND_ASSIGN(const FetchResult next, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(next.commit, second);
  EXPECT_FALSE(PathExists(mirror + "/objects/pack/pack_git2_abc"));
  EXPECT_FALSE(PathExists(mirror + "/refs/heads/main.lock"));
}

TEST(Fetch, F61AMirrorThatLostItsObjectsIsMadeAnewByTheNextFetch) {
  TestRepository repository;
  repository.Commit({{"a", std::string(5000, 'x')}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(repository.FileUrl()));
  const std::string packs = source.MirrorPath(result.mirror) + "/objects/pack";
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(packs));
  for (const std::string& name : names) ASSERT_OK(RemoveFile(packs + "/" + name));
  ASSERT_OK_AND_ASSIGN(const FetchResult again, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(source.Read(again, "a"), std::string(5000, 'x'));
}

TEST(Fetch, F61BitsFlippedOnTheDiskAreAnErrorWhenReadAndMadeAnewByTheNextFetch) {
  TestRepository repository;
  repository.Commit({{"a", std::string(5000, 'x')}, {"b", "b"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(repository.FileUrl()));
  const std::string packs = source.MirrorPath(result.mirror) + "/objects/pack";
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(packs));
  for (const std::string& name : names) {
    if (name.find(".pack") == std::string::npos) continue;
    ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(packs + "/" + name));
    for (size_t i = bytes.size() - 50; i < bytes.size() - 20; ++i) bytes[i] ^= 0x55;
    ASSERT_OK(WriteFileAtomic(packs + "/" + name, bytes, Durability::kNone));
  }
  ASSERT_OK_AND_ASSIGN(const auto snapshot, source->Open(result.mirror, result.commit));
  const absl::StatusOr<std::shared_ptr<const std::string>> a = snapshot->ReadFile("a", 1 << 20);
  const absl::StatusOr<std::shared_ptr<const std::string>> b = snapshot->ReadFile("b", 1 << 20);
  EXPECT_THAT(a.ok() ? b : a, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("made anew")));
  ASSERT_OK_AND_ASSIGN(const FetchResult again, source.Fetch(repository.FileUrl()));
  EXPECT_EQ(source.Read(again, "a"), std::string(5000, 'x'));
  EXPECT_EQ(source.Read(again, "b"), "b");
}

// A branch of `count` commits with a file of 1,000 bytes each, which no compression makes smaller.
std::string LongHistory(int count) {
  SeededRng rng(66);
  std::string stream;
  for (int i = 1; i <= count; ++i) {
    std::string content;
    while (content.size() < 1000) content.push_back(static_cast<char>(rng.Next()));
    absl::StrAppend(&stream, "commit refs/heads/main\nmark :", i,
                    "\ncommitter A <a@example.com> 1700000000 +0000\ndata 1\nx\n");
    if (i > 1) absl::StrAppend(&stream, "from :", i - 1, "\n");
    absl::StrAppend(&stream, "M 100644 inline a\ndata ", content.size(), "\n", content, "\n");
  }
  return stream;
}

TEST(Fetch, F66AHistoryOverTheLimitsNamesTheFlagAndWhatItNeeds) {
  TestRepository repository;
  repository.Git({"-C", repository.bare(), "fast-import", "--quiet"}, LongHistory(2000));
  TestSource few({"file:///"}, {.objects = 5999});
  EXPECT_THAT(few.Fetch(repository.FileUrl(), {.branch = "main"}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("the fetch would bring 6000 objects; 5999 is the limit "
                                 "(--fetch-objects-max)")));
  TestSource small({"file:///"}, {.bytes = int64_t{1} << 20});
  EXPECT_THAT(small.Fetch(repository.FileUrl(), {.branch = "main"}),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("over 1 MiB, the limit of one fetch (--fetch-bytes-max)"),
                             testing::ContainsRegex("[1-9][0-9]* of 6000 objects"))));
  TestSource enough({"file:///"}, {.bytes = int64_t{4} << 20, .objects = 6000});
  ASSERT_OK_AND_ASSIGN(const FetchResult result,
                       enough.Fetch(repository.FileUrl(), {.branch = "main"}));
  EXPECT_EQ(result.objects, 6000);
  EXPECT_EQ(enough.Read(result, "a").size(), 1000u);
  // The limits are of one fetch: what follows is small.
  EXPECT_OK(enough.Fetch(repository.FileUrl(), {.branch = "main"}));
}

TEST(Fetch, ManyPacksAreMergedAndEveryCommitStaysReadable) {
  TestRepository repository;
  TestSource source({"file:///"}, {.packs = 5});
  std::vector<FetchResult> results;
  for (int i = 0; i < 12; ++i) {
    repository.Commit({{"a", std::to_string(i)}});
    ASSERT_OK_AND_ASSIGN(results.emplace_back(), source.Fetch(repository.FileUrl()));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names,
                       ListDirectory(source.MirrorPath(results[0].mirror) + "/objects/pack"));
  EXPECT_LE(names.size(), 2u * 6u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(source.Read(results[i], "a"), std::to_string(i));
}

TEST(Fetch, MirrorsOfOtherCredentialsAreOthers) {
  const GitUrl url = GitUrl::Parse("https://git.example.com/x").value();
  EXPECT_NE(MirrorName(url, ""), MirrorName(url, "default/a"));
  EXPECT_NE(MirrorName(url, "default/b"), MirrorName(url, "default/a"));
  EXPECT_EQ(MirrorName(GitUrl::Parse("https://Git.example.com:443/x/").value(), ""),
            MirrorName(url, ""));
}

TEST(Fetch, MirrorsThatNobodyNamesAreRemoved) {
  TestRepository one;
  TestRepository two;
  one.Commit({{"a", "1"}});
  two.Commit({{"a", "2"}});
  TestSource source({"file:///"});
  ASSERT_OK_AND_ASSIGN(const FetchResult kept, source.Fetch(one.FileUrl()));
  ASSERT_OK_AND_ASSIGN(const FetchResult gone, source.Fetch(two.FileUrl()));
  ASSERT_OK(source->KeepOnly({kept.mirror}));
  EXPECT_EQ(source.Read(kept, "a"), "1");
  EXPECT_FALSE(PathExists(source.MirrorPath(gone.mirror)));
  EXPECT_FALSE(source->Open(gone.mirror, gone.commit).ok());
  ASSERT_OK_AND_ASSIGN(const FetchResult again, source.Fetch(two.FileUrl()));
  EXPECT_EQ(source.Read(again, "a"), "2");
}

TEST(Fetch, ManyAtOnceIntoTheSameAndOtherMirrors) {
  TestRepository one;
  TestRepository two;
  one.Commit({{"a", "1"}});
  two.Commit({{"a", "2"}});
  TestSource source({"file:///"});
  Channel<absl::StatusOr<FetchResult>> results(100);
  std::vector<Thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        "fetch", [&, i] { results.Send(source.Fetch((i % 2 == 0 ? one : two).FileUrl())); });
  }
  for (Thread& thread : threads) thread.Join();
  for (int i = 0; i < 8; ++i) {
    const absl::StatusOr<FetchResult> result = *results.Receive();
    ASSERT_OK(result);
    EXPECT_FALSE(source.Read(*result, "a").empty());
  }
}

TEST(Fetch, AServerProcessThatDiedIsStartedAgain) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestSource source({"file:///"});
  ASSERT_OK(source.Fetch(repository.FileUrl()));
  source->Stop();
  EXPECT_THAT(source.Fetch(repository.FileUrl()),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopping")));
  ASSERT_OK(source->Start());
  EXPECT_OK(source.Fetch(repository.FileUrl()));
}

}  // namespace
}  // namespace lockstep
