#include "agent/store/journal.h"

#include <atomic>
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#include "tests/testing/status.h"

// The program's own comes before the library's: a disk that fails a write with this error.
static std::atomic<int> write_error{0};
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  if (write_error == 0) return syscall(SYS_pwrite64, fd, bytes, size, offset);
  errno = write_error;
  return -1;
}

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class JournalTest : public testing::Test {
 protected:
  JournalTest() : directory_(*MakeTemporaryDirectory("lockstep-journal-")) {}
  ~JournalTest() override { EXPECT_OK(RemoveTree(directory_)); }

  absl::StatusOr<Journal> Open() {
    read_.clear();
    return Journal::Open(path_, [this](uint8_t, absl::string_view body, uint64_t) {
      read_.emplace_back(body);
      return absl::OkStatus();
    });
  }
  void Append(Journal& journal, absl::string_view body, bool sync) {
    journal.Add(1, body);
    ASSERT_OK(journal.Commit(sync, UINT64_MAX));
  }
  void Overwrite(uint64_t at, absl::string_view bytes) {
    std::string file = *ReadFile(path_);
    file.replace(at, bytes.size(), bytes.data(), bytes.size());
    ASSERT_OK(WriteFileAtomic(path_, file, Durability::kNone));
  }

  const std::string directory_;
  const std::string path_ = directory_ + "/state";
  std::vector<std::string> read_;
};

TEST_F(JournalTest, GivesBackWhatWasCommittedInOrder) {
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    const uint64_t offset = journal.Add(1, "one");
    journal.Add(2, "two");
    ASSERT_OK(journal.Commit(true, UINT64_MAX));
    EXPECT_EQ(*journal.Read(offset, 3), "one");
  }
  ASSERT_OK(Open());
  EXPECT_THAT(read_, ElementsAre("one", "two"));
}

TEST_F(JournalTest, IsPrivate) {
  ASSERT_OK(Open());
  struct stat info;
  ASSERT_EQ(stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(JournalTest, ATailCutAtAnyByteIsDroppedAndTheRestStays) {
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "kept", true);
    Append(journal, "lost with the power", false);
  }
  const std::string whole = *ReadFile(path_);
  const size_t second = whole.rfind("LSFR");
  for (size_t cut = second; cut < whole.size(); ++cut) {
    ASSERT_OK(WriteFileAtomic(path_, whole.substr(0, cut), Durability::kNone));
    ASSERT_OK(Open());
    EXPECT_THAT(read_, ElementsAre("kept"));
  }
}

TEST_F(JournalTest, UnsyncedFramesMayBeLostInAnyOrder) {
  size_t first = 0;
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "kept", true);
    first = journal.size();
    Append(journal, "lost", false);
    Append(journal, "reached the disk, but not in time", false);
  }
  Overwrite(first, std::string(10, '\0'));
  ASSERT_OK(Open());
  EXPECT_THAT(read_, ElementsAre("kept"));
}

TEST_F(JournalTest, DamageInWhatWasSyncedIsRefusedAndNamed) {
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "first", true);
    Append(journal, "second", true);
  }
  Overwrite(35, "x");
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path_)));
}

TEST_F(JournalTest, ANewerFormatIsRefused) {
  ASSERT_OK(Open());
  Overwrite(7, "\x03");
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("format is 3")));
}

TEST_F(JournalTest, F19AnOlderFormatIsReadAndBecomesThisOne) {
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "of old", true);
  }
  Overwrite(7, "\x01");
  {
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "of now", true);
  }
  EXPECT_EQ((*ReadFile(path_))[7], char{Journal::kFormat});
  ASSERT_OK(Open());
  EXPECT_THAT(read_, ElementsAre("of old", "of now"));
}

TEST_F(JournalTest, F10AWriteThatFailedForAnotherReasonThanSpaceIsTheLast) {
  for (const int error : {EIO, EROFS}) {
    ASSERT_OK(RemoveFile(path_));
    ASSERT_OK_AND_ASSIGN(Journal journal, Open());
    Append(journal, "kept", true);
    journal.Add(1, "not kept");
    write_error = error;
    const absl::Status failed = journal.Commit(true, UINT64_MAX);
    write_error = 0;
    EXPECT_THAT(failed, StatusIs(absl::StatusCode::kDataLoss, HasSubstr(strerror(error))));
    journal.Add(1, "after it");
    EXPECT_THAT(journal.Commit(true, UINT64_MAX),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("start the agent again")));
    ASSERT_OK(Open());
    EXPECT_THAT(read_, ElementsAre("kept"));
  }
}

TEST_F(JournalTest, F08AFullDiskHeals) {
  ASSERT_OK_AND_ASSIGN(Journal journal, Open());
  journal.Add(1, "too much");
  write_error = ENOSPC;
  const absl::Status failed = journal.Commit(true, UINT64_MAX);
  write_error = 0;
  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kResourceExhausted, testing::_));
  Append(journal, "with space again", true);
  ASSERT_OK(Open());
  EXPECT_THAT(read_, ElementsAre("with space again"));
}

TEST_F(JournalTest, F08OverTheLimitNothingIsWritten) {
  ASSERT_OK_AND_ASSIGN(Journal journal, Open());
  Append(journal, "first", true);
  const std::string before = *ReadFile(path_);
  journal.Add(1, std::string(1000, 'x'));
  EXPECT_THAT(journal.Commit(true, 500),
              StatusIs(absl::StatusCode::kResourceExhausted, testing::_));
  EXPECT_EQ(*ReadFile(path_), before);
  Append(journal, "second", true);
  ASSERT_OK(Open());
  EXPECT_THAT(read_, ElementsAre("first", "second"));
}

}  // namespace
}  // namespace lockstep
