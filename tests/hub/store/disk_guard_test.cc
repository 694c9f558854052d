#include "hub/store/disk_guard.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
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

/// A small disk of its own; skips the test where it cannot be made.
class SmallDisk : public testing::Test {
 protected:
  ~SmallDisk() override {
    if (mounted_) umount2(directory_.root().c_str(), MNT_DETACH);
  }
  bool Mount(const char* options) {
    mounted_ = mount("tmpfs", directory_.root().c_str(), "tmpfs", 0, options) == 0;
    return mounted_;
  }
  void FillUntil(uint64_t free_bytes) {
    while (ProbeDisk(directory_.root())->free_bytes > free_bytes) {
      ASSERT_OK(WriteFileAtomic(absl::StrCat(directory_.root(), "/hog", ++hogs_),
                                std::string(64 << 10, 'x'), Durability::kNone));
    }
  }

  StoreDirectory directory_;
  bool mounted_ = false;
  int hogs_ = 0;
};

TEST_F(SmallDisk, F07StopsBeforeADiskIsFullAndGoesOnWhenThereIsRoom) {
  if (!Mount("size=48m")) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  RocksOptions options = SmallOptions();
  options.disk_free_bytes_min = 0;  // A tenth.
  options.reserve_bytes = 8 << 20;
  auto store = RocksStore::Open(directory_.store(), options);
  ASSERT_OK(store);
  uint64_t acknowledged = 0;
  const auto append = [&] {
    Batch batch;
    batch.Put(Family::kAssignment, absl::StrCat("key ", acknowledged), RandomBytes(50'000));
    return (*store)->Append(batch);
  };
  while ((*store)->CheckRoom().ok()) {
    ASSERT_OK(append());
    ++acknowledged;
    ASSERT_LT(acknowledged, 2000);
  }
  EXPECT_GT(acknowledged, 300);

  // Somebody else takes more, past the reserve: what would fill the disk is refused before RocksDB,
  // which aborts on a full disk (FAULTS M5), sees it.
  FillUntil(2 * kMiB);
  EXPECT_FALSE((*store)->CheckRoom().ok());
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    status = append();
    if (status.ok()) ++acknowledged;
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("start again")));
  store->reset();

  // A start on a full disk says so; with room all is there.
  FillUntil(64 << 10);
  EXPECT_THAT(RocksStore::Open(directory_.store(), options),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk is full")));
  for (const std::string& name : NamesIn(directory_.root())) {
    if (name.rfind("hog", 0) == 0) {
      ASSERT_OK(RemoveFile(directory_.root() + "/" + name));
    }
  }
  store = RocksStore::Open(directory_.store(), options);
  ASSERT_OK(store);
  EXPECT_EQ((*store)->at().counter, acknowledged);
  for (uint64_t i = 0; i < acknowledged; ++i) {
    ASSERT_OK((*store)->Get(Family::kAssignment, absl::StrCat("key ", i)));
  }
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
