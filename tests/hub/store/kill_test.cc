#include <atomic>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
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

}  // namespace
}  // namespace lockstep
