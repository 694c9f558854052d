#include "hub/store/disk_guard.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
#include "tests/hub/store/small_disk.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::_;
using testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;

class DiskGuardTest : public testing::Test {
 protected:
  DiskGuard Make(uint64_t reserve = 0) {
    return DiskGuard(directory_.store(), {.free_bytes_min = 100 * kMiB,
                                          .free_files_min = 64,
                                          .reserve_bytes = reserve,
                                          .probe = [this](const std::string&) { return space_; }});
  }
  bool Reserved() { return PathExists(directory_.store() + ".reserve"); }

  StoreDirectory directory_;
  absl::StatusOr<DiskSpace> space_ = DiskSpace{.free_bytes = 1000 * kMiB,
                                               .total_bytes = 2000 * kMiB,
                                               .free_files = 1000,
                                               .total_files = 2000};
};

TEST_F(DiskGuardTest, F07IsReadOnlyBelowTheLeastAndUntilAQuarterMore) {
  DiskGuard guard = Make();
  EXPECT_OK(guard.Check());
  space_->free_bytes = 100 * kMiB;
  EXPECT_OK(guard.Check());
  space_->free_bytes = 100 * kMiB - 1;
  EXPECT_THAT(guard.Check(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("read-only")));
  space_->free_bytes = 124 * kMiB;
  EXPECT_FALSE(guard.Check().ok());
  space_->free_bytes = 125 * kMiB;
  EXPECT_OK(guard.Check());
  space_->free_bytes = 110 * kMiB;
  EXPECT_OK(guard.Check());
}

TEST_F(DiskGuardTest, F09CountsFilesToo) {
  DiskGuard guard = Make();
  space_->free_files = 63;
  EXPECT_FALSE(guard.Check().ok());
  space_->total_files = 0;  // A file system without such a limit.
  space_->free_files = 0;
  EXPECT_OK(guard.Check());
}

TEST_F(DiskGuardTest, F07KeepsAReserveAndGivesItUpInNeed) {
  DiskGuard guard = Make(kMiB);
  EXPECT_OK(guard.Check());
  struct stat info;
  ASSERT_EQ(stat((directory_.store() + ".reserve").c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, static_cast<int64_t>(kMiB));  // Really taken.
  space_->free_bytes = 60 * kMiB;
  EXPECT_FALSE(guard.Check().ok());
  EXPECT_TRUE(Reserved());
  space_->free_bytes = 40 * kMiB;
  EXPECT_FALSE(guard.Check().ok());
  EXPECT_FALSE(Reserved());
  space_->free_bytes = 1000 * kMiB;
  EXPECT_OK(guard.Check());
  EXPECT_TRUE(Reserved());
}

TEST_F(DiskGuardTest, F07RefusesAnAppendThatCouldFillTheDisk) {
  DiskGuard guard = Make();
  space_->free_bytes = 51 * kMiB;
  EXPECT_OK(guard.CheckAppend(kMiB / 2));
  EXPECT_THAT(guard.CheckAppend(kMiB),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("free some room")));
}

TEST_F(DiskGuardTest, F07WhatMayBeTurnedAwayLeavesTheLeast) {
  DiskGuard guard = Make();
  space_->free_bytes = 102 * kMiB;
  EXPECT_OK(guard.CheckRoomFor(kMiB));
  EXPECT_THAT(guard.CheckRoomFor(2 * kMiB),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("free some room")));
}

TEST_F(DiskGuardTest, F07RefusesToOpenOnAFullDiskOnceTheReserveIsGone) {
  ASSERT_OK(Make(kMiB).Check());
  space_->free_bytes = kMiB;
  EXPECT_THAT(Make(kMiB).PrepareToOpen(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk is full")));
  EXPECT_FALSE(Reserved());
  space_->free_bytes = 50 * kMiB;
  EXPECT_OK(Make(kMiB).PrepareToOpen());
}

TEST_F(DiskGuardTest, SaysWhenTheDiskCannotBeAsked) {
  space_ = absl::InternalError("statvfs failed");
  DiskGuard guard = Make();
  EXPECT_FALSE(guard.Check().ok());
  EXPECT_FALSE(guard.CheckAppend(1).ok());
}

TEST_F(SmallDisk, F09StopsBeforeFilesRunOut) {
  if (!Mount("size=48m,nr_inodes=120")) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  auto store = RocksStore::Open(directory_.store(), SmallOptions());
  ASSERT_OK(store);
  ASSERT_OK((*store)->CheckRoom());
  for (int i = 0; i < 60; ++i) {
    ASSERT_OK(WriteFileAtomic(absl::StrCat(directory_.root(), "/", i), "", Durability::kNone));
  }
  EXPECT_THAT((*store)->CheckRoom(), StatusIs(absl::StatusCode::kResourceExhausted, _));
  for (int i = 0; i < 60; ++i) ASSERT_OK(RemoveFile(absl::StrCat(directory_.root(), "/", i)));
  EXPECT_OK((*store)->CheckRoom());
}

}  // namespace
}  // namespace lockstep
