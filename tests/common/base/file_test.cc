#include "common/base/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <absl/cleanup/cleanup.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(root_, MakeTemporaryDirectory("lockstep-file-test-"));
  }
  void TearDown() override { EXPECT_OK(RemoveTree(root_)); }

  std::string root_;
};

TEST_F(FileTest, AtomicWriteReplacesAndLeavesNothingElse) {
  const std::string path = root_ + "/a";
  ASSERT_OK(WriteFileAtomic(path, "one", Durability::kSynced, 0600));
  ASSERT_OK(WriteFileAtomic(path, "two", Durability::kNone, 0600));
  EXPECT_EQ(*ReadFile(path), "two");
  EXPECT_THAT(*ListDirectory(root_), ElementsAre("a"));
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(FileTest, FailedAtomicWriteLeavesNothing) {
  ASSERT_OK(MakeDirectories(root_ + "/d/e"));
  EXPECT_FALSE(WriteFileAtomic(root_ + "/d", "x", Durability::kNone).ok());
  EXPECT_THAT(*ListDirectory(root_), ElementsAre("d"));
  EXPECT_THAT(WriteFileAtomic(root_ + "/no/a", "x", Durability::kNone),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no")));
}

TEST_F(FileTest, ReadStopsAtItsLimit) {
  ASSERT_OK(WriteFileAtomic(root_ + "/a", std::string(100, 'x'), Durability::kNone));
  EXPECT_OK(ReadFile(root_ + "/a", 100));
  EXPECT_THAT(ReadFile(root_ + "/a", 99),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("99")));
}

TEST_F(FileTest, RemoveTreeFollowsNoLink) {
  ASSERT_OK(MakeDirectories(root_ + "/kept"));
  ASSERT_OK(WriteFileAtomic(root_ + "/kept/a", "x", Durability::kNone));
  ASSERT_OK(MakeDirectories(root_ + "/gone/b"));
  ASSERT_EQ(symlink((root_ + "/kept").c_str(), (root_ + "/gone/b/link").c_str()), 0);
  ASSERT_OK(RemoveTree(root_ + "/gone"));
  EXPECT_OK(RemoveTree(root_ + "/gone"));
  EXPECT_TRUE(PathExists(root_ + "/kept/a"));
  EXPECT_FALSE(PathExists(root_ + "/gone"));
}

}  // namespace
}  // namespace lockstep
