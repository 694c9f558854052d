#include "hub/source/git_snapshot.h"

#include <memory>
#include <string>
#include <vector>

#include <absl/strings/escaping.h>
#include <gtest/gtest.h>

#include "common/base/thread.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using Kind = Snapshot::Kind;

constexpr size_t kMany = 1000;

// Reads a test repository's own objects: a bare repository is a bare repository.
std::shared_ptr<const GitSnapshot> Open(const TestRepository& repository, const std::string& commit,
                                        int64_t object_bytes_max = 1 << 20) {
  return GitSnapshot::Open(std::make_shared<RepositoryPool>(repository.work() + "/.git"), commit,
                           object_bytes_max)
      .value();
}

// A commit whose tree is `lines` for git mktree: what git itself would not make.
std::string CommitTree(const TestRepository& repository, const std::string& lines) {
  const std::string tree = repository.Git({"mktree", "-z", "--missing"}, lines);
  return repository.Git({"commit-tree", "-m", "x", tree});
}

TEST(GitSnapshot, ReadsFilesAndDirectoriesByPath) {
  TestRepository repository;
  const std::string commit =
      repository.Commit({{"apps/web/a.yaml", "A"}, {"apps/web.yaml", "W"}, {"b", "B"}, {"e", ""}});
  const auto snapshot = Open(repository, commit);
  EXPECT_EQ(snapshot->commit(), commit);
  EXPECT_EQ(**snapshot->ReadFile("apps/web/a.yaml", 10), "A");
  EXPECT_EQ(**snapshot->ReadFile("e", 10), "");
  ASSERT_OK_AND_ASSIGN(const auto apps, snapshot->List("apps", kMany));
  ASSERT_EQ(apps.size(), 2u);
  EXPECT_EQ(apps[0].name, "web");  // Git's own order has web.yaml first.
  EXPECT_EQ(apps[0].kind, Kind::kDirectory);
  EXPECT_EQ(apps[1].name, "web.yaml");
  EXPECT_EQ(apps[1].kind, Kind::kFile);
  ASSERT_OK_AND_ASSIGN(const auto root, snapshot->List("", kMany));
  EXPECT_EQ(root.size(), 3u);
  ASSERT_OK_AND_ASSIGN(const Snapshot::Entry entry, snapshot->Find("apps/web"));
  EXPECT_EQ(entry.name, "web");
  EXPECT_EQ(absl::BytesToHexString(entry.id), repository.Git({"rev-parse", "HEAD:apps/web"}));
  ASSERT_OK_AND_ASSIGN(const Snapshot::Entry top, snapshot->Find(""));
  EXPECT_EQ(absl::BytesToHexString(top.id), repository.Git({"rev-parse", "HEAD^{tree}"}));
}

TEST(GitSnapshot, SaysWhatIsNotThereOrOfAnotherKind) {
  TestRepository repository;
  const auto snapshot = Open(repository, repository.Commit({{"d/f", "x"}}));
  EXPECT_THAT(snapshot->ReadFile("d/g", 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("d/g")));
  EXPECT_THAT(snapshot->ReadFile("d/f/g", 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("d/f/g")));
  EXPECT_THAT(snapshot->ReadFile("d", 10),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no file")));
  EXPECT_THAT(snapshot->List("d/f", kMany),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no directory")));
  EXPECT_THAT(snapshot->List("x", kMany),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("\"x\"")));
  const auto pool = std::make_shared<RepositoryPool>(repository.work() + "/.git");
  EXPECT_THAT(GitSnapshot::Open(pool, std::string(40, 'a'), 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("aaaa")));
  EXPECT_THAT(GitSnapshot::Open(pool, "HEAD", 10),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("40")));
}

TEST(GitSnapshot, AnswersTheSameOnceADirectoryWasListed) {
  TestRepository repository;
  const std::string commit = repository.Commit({{"top", "T"}, {"d/a", "A"}, {"d/a-b/c", "C"}});
  const auto fresh = Open(repository, commit);
  const auto listed = Open(repository, commit);
  for (const char* directory : {"", "d", "d/a-b"}) EXPECT_OK(listed->List(directory, kMany));
  for (const char* path : {"top", "topp", "to", "d", "d/a", "d/a-", "d/a-b", "d/b", "d/a/c",
                           "d/a-b/c", "x/y", "../d"}) {
    const auto was = fresh->Find(path);
    const auto is = listed->Find(path);
    ASSERT_EQ(is.status(), was.status()) << path;
    EXPECT_EQ(listed->ReadFile(path, 10).status(), fresh->ReadFile(path, 10).status()) << path;
    if (!was.ok()) continue;
    EXPECT_EQ(is->name, was->name);
    EXPECT_EQ(is->kind, was->kind);
    EXPECT_EQ(is->id, was->id);
  }
  EXPECT_EQ(**listed->ReadFile("d/a-b/c", 10), "C");
}

TEST(GitSnapshot, LimitsAreFoundBeforeContentIsRead) {
  TestRepository repository;
  const std::string commit = repository.Commit({{"big", std::string(5000, 'x')}, {"small", "x"}});
  const auto snapshot = Open(repository, commit, 4000);
  EXPECT_THAT(snapshot->ReadFile("big", 1 << 20),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("4000")));
  EXPECT_THAT(Open(repository, commit)->ReadFile("big", 4999),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("4999")));
  EXPECT_OK(Open(repository, commit)->ReadFile("big", 5000));
  EXPECT_THAT(snapshot->List("", 1),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2 entries")));
  EXPECT_OK(snapshot->List("", 2));
}

TEST(GitSnapshot, A01PathsThatLeaveTheRootAreRefused) {
  TestRepository repository;
  const auto snapshot = Open(repository, repository.Commit({{"a/b", "x"}}));
  std::string deep = "a";
  for (int i = 0; i < 5000; ++i) deep += "/a";
  for (const std::string& path :
       {std::string(".."), std::string("a/../../x"), std::string("/a"), std::string("a/"),
        std::string("a//b"), std::string("./a"), std::string("a\\..\\b"), std::string("a\0b", 3),
        std::string("a\n"), std::string(".git/config"), std::string("a/.GIT"), deep,
        std::string(5000, 'a'), std::string("\xff")}) {
    EXPECT_THAT(snapshot->ReadFile(path, 10),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("path")));
    EXPECT_THAT(snapshot->List(path, 10),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("path")));
    EXPECT_THAT(snapshot->Find(path),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("path")));
  }
  for (const char* path : {"%2e%2e", "file:", "a/%2e%2e/x"}) {
    EXPECT_THAT(snapshot->ReadFile(path, 10),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)))
        << path;
  }
}

TEST(GitSnapshot, A02LinksAreEntriesAndNeverFollowed) {
  TestRepository repository;
  repository.Git({"config", "core.symlinks", "true"});
  const std::string blob = repository.Git({"hash-object", "-w", "--stdin"}, "/etc/passwd");
  const std::string up = repository.Git({"hash-object", "-w", "--stdin"}, "..");
  const std::string commit =
      CommitTree(repository, "120000 blob " + blob + "\tcanary" + std::string(1, '\0') +
                                 "120000 blob " + up + "\tup" + std::string(1, '\0'));
  const auto snapshot = Open(repository, commit);
  ASSERT_OK_AND_ASSIGN(const auto entries, snapshot->List("", kMany));
  EXPECT_EQ(entries[0].kind, Kind::kSymlink);
  EXPECT_THAT(snapshot->ReadFile("canary", 1000),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no file")));
  EXPECT_THAT(snapshot->ReadFile("up/x", 1000),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("up/x")));
  EXPECT_THAT(snapshot->List("up", kMany),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no directory")));
}

TEST(GitSnapshot, A11SubmodulesAreEntriesAndNothingIsBehindThem) {
  TestRepository repository;
  const std::string commit = CommitTree(
      repository, "160000 commit " + std::string(40, 'a') + "\tmodule" + std::string(1, '\0'));
  const auto snapshot = Open(repository, commit);
  ASSERT_OK_AND_ASSIGN(const Snapshot::Entry entry, snapshot->Find("module"));
  EXPECT_EQ(entry.kind, Kind::kSubmodule);
  EXPECT_THAT(snapshot->ReadFile("module/x", 10),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("module/x")));
  EXPECT_THAT(snapshot->List("module", 10),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no directory")));
}

TEST(GitSnapshot, A12A20DirectoriesWithNamesThatMeanHarmAreNotListed) {
  TestRepository repository;
  const std::string blob = repository.Git({"hash-object", "-w", "--stdin"}, "x");
  for (const std::string& name :
       {std::string("a\r"), std::string("a\n"), std::string("a\t"), std::string("a\x1b[31m"),
        std::string(".git"), std::string(".GIT"), std::string("git~1"), std::string("GIT~1"),
        std::string(".g\xe2\x80\x8cit"), std::string(".git\xef\xbb\xbf"), std::string(".git. ."),
        std::string(".git::$INDEX_ALLOCATION"), std::string("\xff")}) {
    const auto snapshot = Open(repository, CommitTree(repository, "100644 blob " + blob + "\t" +
                                                                      name + std::string(1, '\0')));
    EXPECT_THAT(snapshot->List("", kMany),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         testing::AllOf(HasSubstr("rename it"), testing::Not(HasSubstr("\x1b")))))
        << name;
  }
  for (const std::string& name : {std::string(".gitignore"), std::string(".gitmodules"),
                                  std::string("git"), std::string("größe")}) {
    const auto snapshot = Open(repository, CommitTree(repository, "100644 blob " + blob + "\t" +
                                                                      name + std::string(1, '\0')));
    EXPECT_OK(snapshot->List("", kMany)) << name;
  }
}

TEST(GitSnapshot, AnObjectThatLacksIsAnErrorAndReported) {
  TestRepository repository;
  const std::string commit = CommitTree(
      repository, "100644 blob " + std::string(40, 'b') + "\ta" + std::string(1, '\0') +
                      "040000 tree " + std::string(40, 'c') + "\td" + std::string(1, '\0'));
  const auto pool = std::make_shared<RepositoryPool>(repository.work() + "/.git");
  ASSERT_OK_AND_ASSIGN(const auto snapshot, GitSnapshot::Open(pool, commit, 1 << 20));
  EXPECT_OK(snapshot->List("", kMany));
  EXPECT_FALSE(pool->damaged());
  EXPECT_THAT(snapshot->ReadFile("a", 10),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("bbbb")));
  EXPECT_TRUE(pool->damaged());
  EXPECT_THAT(snapshot->List("d", 10), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("cccc")));
}

TEST(GitSnapshot, ManyThreadsReadAtOnce) {
  TestRepository repository;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 100; ++i)
    files["d" + std::to_string(i % 10) + "/f" + std::to_string(i)] = std::to_string(i);
  const auto snapshot = Open(repository, repository.Commit(files));
  std::vector<Thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back("reader", [&snapshot, &files] {
      for (const auto& [path, content] : files) EXPECT_EQ(**snapshot->ReadFile(path, 10), content);
    });
  }
  for (Thread& thread : threads) thread.Join();
}

}  // namespace
}  // namespace lockstep
