#include <atomic>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
#include "tests/hub/store/small_disk.h"
#include "tests/hub/store/store_writer.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

class StoreKill : public testing::Test {
 protected:
  StoreKill() {
    const std::string path = AcknowledgedPath();
    EXPECT_OK(WriteFileAtomic(path, std::string(sizeof(uint64_t), '\0'), Durability::kNone));
    const OwnedFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
    acknowledged_ = static_cast<std::atomic<uint64_t>*>(
        mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  }
  ~StoreKill() override { munmap(acknowledged_, sizeof(uint64_t)); }

  std::string AcknowledgedPath() { return directory_.root() + "/acknowledged"; }

  /// Runs a writer until it ends; its wait status.
  int RunWriter(uint64_t step) {
    std::string arguments[] = {STORE_WRITER, directory_.store(), AcknowledgedPath(),
                               absl::StrCat(kSeed), absl::StrCat(step)};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                    arguments[3].data(), arguments[4].data(), nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ), 0);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
  }

  static constexpr uint64_t kSeed = 11;
  StoreDirectory directory_;
  std::atomic<uint64_t>* acknowledged_;
};

// An append takes four steps: log written, log synced, mark written, mark synced (the last with
// decisions only). The steps before the first are those of opening.
TEST_F(StoreKill, F02KeepsWhatWasAcknowledgedWhereverItIsKilled) {
  SeededRng rng(kSeed);
  Workload workload(kSeed);
  int killed = 0;
  int unknown_kept = 0;
  for (uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    const int status = RunWriter(round % 5 == 0 ? rng.Below(60) : 60 + rng.Below(160));
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << WEXITSTATUS(status);
    ++killed;
    ASSERT_OK_AND_ASSIGN(const auto store, RocksStore::Open(directory_.store(), SmallOptions()));
    ASSERT_OK_AND_ASSIGN(const uint64_t count, CountBatches(*store));
    ASSERT_GE(count, *acknowledged_);
    ASSERT_LE(count, *acknowledged_ + 1);
    ASSERT_OK_AND_ASSIGN(const Contents contents, ReadContents(*store));
    ASSERT_EQ(contents, workload.After(count));
    unknown_kept += count > *acknowledged_ ? 1 : 0;
    *acknowledged_ = count;
  }
  EXPECT_EQ(killed, 60);
  EXPECT_GT(unknown_kept, 10);  // Killed after the log was written and before it was acknowledged.
  EXPECT_GT(*acknowledged_, 500);
}

TEST_F(StoreKill, F18ASecondProcessIsKeptOut) {
  ASSERT_OK_AND_ASSIGN(const auto store, RocksStore::Open(directory_.store(), SmallOptions()));
  const int status = RunWriter(1'000'000);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), kWriterLockedOut);
  EXPECT_EQ(*acknowledged_, 0);
}

class DiskKill : public SmallDisk {
 protected:
  /// Runs disk_writer until it ends; its wait status, and what it acknowledged.
  int RunWriter(uint64_t* acknowledged) {
    // Beside the small disk, which is going to be full.
    const StoreDirectory beside;
    const std::string path = beside.root() + "/acknowledged";
    EXPECT_OK(WriteFileAtomic(path, std::string(sizeof(uint64_t), '\0'), Durability::kNone));
    std::string arguments[] = {DISK_WRITER, directory_.store(), path};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
    pid_t pid = 0;
    EXPECT_EQ(posix_spawn(&pid, argv[0], nullptr, nullptr, argv, environ), 0);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    const absl::StatusOr<std::string> bytes = ReadFile(path);
    EXPECT_OK(bytes);
    std::memcpy(acknowledged, bytes->data(), sizeof *acknowledged);
    return status;
  }
};

TEST_F(DiskKill, F07StopsBeforeADiskIsFullAndGoesOnWhenThereIsRoom) {
  if (!Mount("size=48m")) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  uint64_t acknowledged = 0;
  const int status = RunWriter(&acknowledged);
  // FAULTS M5: RocksDB aborts where what runs in the background meets a disk that somebody else
  // filled.
  const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  ASSERT_TRUE(aborted || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << status;
  ASSERT_GE(acknowledged, 200u);

  // A start on a full disk says so, also without the reserve; with room all that was acknowledged
  // is there.
  if (PathExists(directory_.store() + ".reserve")) {
    ASSERT_OK(RemoveFile(directory_.store() + ".reserve"));
  }
  ASSERT_OK(FillDisk(directory_.root(), 64 << 10));
  EXPECT_THAT(RocksStore::Open(directory_.store(), DiskOptions()),
              StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("disk is full")));
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(directory_.root()));
  for (const std::string& name : names) {
    if (name.rfind("hog", 0) != 0) continue;
    ASSERT_OK(RemoveFile(directory_.root() + "/" + name));
  }
  ASSERT_OK_AND_ASSIGN(const auto store, RocksStore::Open(directory_.store(), DiskOptions()));
  // The append that failed is unknown, not absent (M6).
  EXPECT_GE(store->at().counter, acknowledged);
  EXPECT_LE(store->at().counter, acknowledged + 1);
  for (uint64_t i = 0; i < acknowledged; ++i) {
    ASSERT_OK(store->Get(Family::kAssignment, absl::StrCat("key ", i)));
  }
}

}  // namespace
}  // namespace lockstep
