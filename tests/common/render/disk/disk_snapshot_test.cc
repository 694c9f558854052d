#include "common/render/disk/disk_snapshot.h"

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

class DiskSnapshotTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/disk-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    root_ = base_ / "root";
    Write("a/b/file.yaml", "content");
    Write("a/other.yaml", "x");
    Write("../canary", "secret");
    auto opened = DiskSnapshot::Open(root_.string());
    ASSERT_OK(opened);
    snapshot_ = *std::move(opened);
  }
  void TearDown() override { fs::remove_all(base_); }

  void Write(const std::string& path, const std::string& content) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << content;
  }
  std::string Read(absl::string_view path, uint64_t bytes_max = 1'000) {
    const auto content = snapshot_->ReadFile(path, bytes_max);
    return content.ok() ? **content : absl::StatusCodeToString(content.status().code());
  }

  fs::path base_, root_;
  std::unique_ptr<DiskSnapshot> snapshot_;
};

TEST_F(DiskSnapshotTest, ReadsFiles) {
  EXPECT_EQ(Read("a/b/file.yaml"), "content");
  EXPECT_EQ(Read("a/b/none"), "NOT_FOUND");
  EXPECT_EQ(Read("none/file"), "NOT_FOUND");
  EXPECT_EQ(Read("a/other.yaml/x"), "NOT_FOUND");
  EXPECT_EQ(Read("a"), "FAILED_PRECONDITION");
}

TEST_F(DiskSnapshotTest, FindsWhatStandsAtAPath) {
  ASSERT_OK_AND_ASSIGN(const Snapshot::Entry file, snapshot_->Find("a/other.yaml"));
  EXPECT_EQ(file.name, "other.yaml");
  EXPECT_EQ(file.kind, Snapshot::Kind::kFile);
  EXPECT_EQ(file.bytes, 1u);
  EXPECT_EQ(file.id.size(), 20u);
  EXPECT_EQ(snapshot_->Find("a")->kind, Snapshot::Kind::kDirectory);
  EXPECT_EQ(snapshot_->Find("")->kind, Snapshot::Kind::kDirectory);
  EXPECT_EQ(snapshot_->Find("none").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DiskSnapshotTest, ListsInOrder) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Snapshot::Entry> entries, snapshot_->List("a", 10));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "b");
  EXPECT_EQ(entries[1].name, "other.yaml");
  EXPECT_EQ(snapshot_->List("a", 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(snapshot_->List("a/other.yaml", 1).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(DiskSnapshotTest, A01LeadsNowhereOutside) {
  for (const char* path :
       {"../canary", "a/../../canary", "/etc/passwd", "a//other.yaml", "./a", ""}) {
    EXPECT_EQ(Read(path), "NOT_FOUND") << path;
  }
  EXPECT_EQ(Read(absl::string_view("a/other.yaml\0x", 14)), "NOT_FOUND");
  EXPECT_EQ(Read(std::string(5'000, 'a')), "NOT_FOUND");
}

TEST_F(DiskSnapshotTest, A02FollowsNoLink) {
  fs::create_symlink("../canary", root_ / "link");
  fs::create_symlink("..", root_ / "up");
  fs::create_symlink("a/other.yaml", root_ / "inside");
  fs::create_symlink("loop", root_ / "loop");
  EXPECT_EQ(Read("link"), "FAILED_PRECONDITION");
  EXPECT_EQ(Read("up/canary"), "NOT_FOUND");
  EXPECT_EQ(Read("inside"), "FAILED_PRECONDITION");
  EXPECT_EQ(Read("loop"), "FAILED_PRECONDITION");
  EXPECT_EQ(snapshot_->Find("link")->kind, Snapshot::Kind::kSymlink);
}

TEST_F(DiskSnapshotTest, A07ReadsNoLargeFile) {
  EXPECT_EQ(Read("a/b/file.yaml", 6), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(Read("a/b/file.yaml", 7), "content");
}

TEST_F(DiskSnapshotTest, APipeIsNoFile) {
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Read("pipe"), "FAILED_PRECONDITION");
}

TEST_F(DiskSnapshotTest, KeepsFewDirectoriesOpen) {
  for (int i = 0; i < 600; ++i) Write("d" + std::to_string(i) + "/f", "x");
  for (int i = 0; i < 600; ++i) EXPECT_EQ(Read("d" + std::to_string(i) + "/f"), "x");
}

TEST(DiskSnapshot, RefusesWhatIsNoDirectory) {
  EXPECT_EQ(DiskSnapshot::Open("/nonexistent").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(DiskSnapshot::Open("/etc/passwd").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace lockstep
