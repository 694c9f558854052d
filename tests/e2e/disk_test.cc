// Full disks, and who may read what the programs leave on theirs.

#include <signal.h>
#include <stdlib.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/e2e/small_fleet.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A disk of 1 MiB at a path; gone with the object. Not there where mounting is not allowed.
class TinyDisk {
 public:
  explicit TinyDisk(const std::string& path) : path_(path) {
    if (!MakeDirectories(path, 0700).ok()) abort();
    mounted_ = mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=700") == 0;
  }
  ~TinyDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

  /// Leaves `room` bytes, in whole pages.
  void Fill(size_t room) {
    ASSERT_OK(RemoveFile(path_ + "/hog"));
    struct statvfs about {};
    ASSERT_EQ(statvfs(path_.c_str(), &about), 0);
    const size_t free = about.f_bfree * about.f_frsize;
    ASSERT_OK(WriteFileAtomic(path_ + "/hog", std::string(free - room, 'x'), Durability::kNone));
  }

 private:
  const std::string path_;
  bool mounted_ = false;
};

class DiskTest : public SmallFleetTest {};

TEST_F(DiskTest, AHubIsMadeWholeOrNotAtAll) {
  const std::string path = fleet_.directory() + "/disk";
  TinyDisk disk(path);
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  const std::string context = fleet_.directory() + "/second-context";
  const std::vector<std::string> init = {
      "init", "--data", path + "/hub", "--address", "hub.invalid", "--context-file", context};
  int failures = 0;
  // Room for nothing, then for a page more each time, until there is enough.
  for (size_t room = 0;; room += 4096) {
    ASSERT_NO_FATAL_FAILURE(disk.Fill(room));
    const Said said = fleet_.Run("lockstep-hub", init);
    if (said.exit_code == 0) break;
    ++failures;
    EXPECT_EQ(said.exit_code, 1);
    EXPECT_THAT(said.err, HasSubstr("No space left on device")) << said.err;
    EXPECT_THAT(*ListDirectory(path), ElementsAre("hog")) << room;
    EXPECT_FALSE(PathExists(context));
    ASSERT_LT(failures, 100);
  }
  EXPECT_GT(failures, 3);
  EXPECT_TRUE(PathExists(context));
}

TEST_F(DiskTest, AReleaseThatCannotBeWrittenDownFails) {
  fleet_.EndAgent("eu-1", SIGTERM);
  struct stat about {};
  ASSERT_EQ(stat((fleet_.state("eu-1") + "/state").c_str(), &about), 0);
  const std::vector<std::string> release = {"release", "--state", fleet_.state("eu-1"), "--target",
                                            "directory:" + fleet_.target("eu-1")};
  // No file may grow beyond what the state has now.
  Said said = fleet_.Run("lockstep-agent", release,
                         {"sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh", "prlimit",
                          absl::StrCat("--fsize=", about.st_size)});
  EXPECT_EQ(said.exit_code, 1);
  EXPECT_THAT(said.err,
              AllOf(HasSubstr("go on after its next start"), HasSubstr("File too large")));

  // As said: it was not released.
  fleet_.StartAgent("eu-1");
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  fleet_.EndAgent("eu-1", SIGTERM);
  said = fleet_.Run("lockstep-agent", release);
  EXPECT_EQ(said.exit_code, 0) << said.err;
}

// Files and folders below `root`, itself included, that others than their user may use.
std::vector<std::string> Open(const std::string& root) {
  std::vector<std::string> open;
  struct stat about {};
  if (lstat(root.c_str(), &about) != 0 || S_ISLNK(about.st_mode)) return open;
  if ((about.st_mode & 077) != 0) open.push_back(root);
  if (!S_ISDIR(about.st_mode)) return open;
  const std::vector<std::string> names = ListDirectory(root).value();
  for (const std::string& name : names) {
    const std::vector<std::string> below = Open(root + "/" + name);
    open.insert(open.end(), below.begin(), below.end());
  }
  return open;
}

mode_t Mode(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0 ? about.st_mode & 0777 : 0;
}

TEST_F(DiskTest, A72WhatTheProgramsKeepIsTheirUsersAlone) {
  ASSERT_OK(Change("second"));
  ASSERT_OK(fleet_.WaitSynced(commit_));
  const auto check = [&] {
    EXPECT_THAT(Open(fleet_.hub_data()), IsEmpty());
    EXPECT_THAT(Open(fleet_.state("eu-1")), IsEmpty());
    EXPECT_THAT(Open(fleet_.directory() + "/context"), IsEmpty());
  };
  check();
  fleet_.EndHub(SIGTERM);
  ASSERT_OK(fleet_.StartHub());  // Also what a second start makes.
  ASSERT_OK(fleet_.WaitSynced(commit_));
  check();

  // The target is closed when the agent makes it; whom its owner lets in may read all of it.
  const std::string target = fleet_.target("eu-1");
  EXPECT_EQ(Mode(target), 0700u);
  EXPECT_EQ(Mode(target + "/shop"), 0755u);
  EXPECT_EQ(Mode(target + "/" + kOne), 0644u);
}

}  // namespace
}  // namespace lockstep
