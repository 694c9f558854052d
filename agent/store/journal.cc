#include "agent/store/journal.h"

#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/digest.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kFileMagic = "LSAJ";
constexpr absl::string_view kFrameMagic = "LSFR";
constexpr size_t kFileHead = 8;
constexpr size_t kFrameHead = 24;
constexpr size_t kChecksumAt = 16;
constexpr size_t kChecksumSize = 8;

void AppendBigEndian(uint64_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> shift));
  }
}

uint64_t ReadBigEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

std::string FileHead() {
  std::string head(kFileMagic);
  AppendBigEndian(Journal::kFormat, 4, &head);
  return head;
}

std::string Checksum(absl::string_view head, absl::string_view payload) {
  Hasher hasher;
  hasher.Add(head);
  hasher.Add(payload);
  return std::string(hasher.Finish().bytes().substr(0, kChecksumSize));
}

struct FrameHead {
  uint32_t length = 0;
  uint64_t synced = 0;
};

std::optional<FrameHead> ParseHead(absl::string_view head) {
  if (head.size() < kFrameHead || head.substr(0, 4) != kFrameMagic) return std::nullopt;
  return FrameHead{static_cast<uint32_t>(ReadBigEndian(head.substr(4, 4))),
                   ReadBigEndian(head.substr(8, 8))};
}

bool IsFrame(absl::string_view head, absl::string_view payload) {
  return !payload.empty() &&
         head.substr(kChecksumAt, kChecksumSize) == Checksum(head.substr(0, kChecksumAt), payload);
}

absl::StatusOr<OwnedFd> OpenFile(const std::string& path, int flags) {
  OwnedFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (!fd.valid()) return FileError(errno, "opening", path);
  return fd;
}

absl::Status WriteAt(int fd, uint64_t offset, absl::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError(errno, "writing", path);
    offset += static_cast<uint64_t>(written);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Journal> Journal::Create(const std::string& path) {
  LOCKSTEP_ASSIGN_OR_RETURN(OwnedFd fd, OpenFile(path, O_CREAT | O_EXCL));
  Journal journal(path, std::move(fd));
  journal.added_ = FileHead();
  return journal;
}

absl::StatusOr<Journal> Journal::Open(const std::string& path, const Visit& visit) {
  LOCKSTEP_ASSIGN_OR_RETURN(OwnedFd fd, OpenFile(path, O_CREAT));
  Journal journal(path, std::move(fd));
  struct stat info;
  if (fstat(journal.fd_.get(), &info) != 0) return FileError(errno, "opening", path);
  journal.size_ = static_cast<uint64_t>(info.st_size);
  if (journal.size_ < kFileHead) {
    // New, or the power went before anything was promised.
    if (ftruncate(journal.fd_.get(), 0) != 0) return FileError(errno, "emptying", path);
    journal.size_ = 0;
    journal.added_ = FileHead();
    LOCKSTEP_RETURN_IF_ERROR(journal.Commit(true, UINT64_MAX));
    LOCKSTEP_RETURN_IF_ERROR(SyncDirectory(DirName(path)));
    return journal;
  }
  LOCKSTEP_RETURN_IF_ERROR(journal.Load(visit));
  return journal;
}

absl::Status Journal::Load(const Visit& visit) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string file_head, Read(0, kFileHead));
  const uint64_t format = ReadBigEndian(absl::string_view(file_head).substr(4));
  if (absl::string_view(file_head).substr(0, 4) != kFileMagic) {
    return absl::DataLossError(absl::StrCat("opening \"", path_, "\": it is no agent's state"));
  }
  if (format > kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("opening \"", path_, "\": its format is ", format, " and this agent knows ",
                     kFormat, "; use the agent that wrote it, or a newer one"));
  }
  uint64_t at = kFileHead;
  while (at < size_) {
    LOCKSTEP_ASSIGN_OR_RETURN(
        const std::string head,
        Read(at, static_cast<size_t>(std::min<uint64_t>(kFrameHead, size_ - at))));
    const std::optional<FrameHead> parsed = ParseHead(head);
    std::string payload;
    if (parsed.has_value() && parsed->length <= size_ - at - kFrameHead) {
      LOCKSTEP_ASSIGN_OR_RETURN(payload, Read(at + kFrameHead, parsed->length));
    }
    if (!parsed.has_value() || !IsFrame(head, payload)) break;
    const absl::string_view body = absl::string_view(payload).substr(1);
    LOCKSTEP_RETURN_IF_ERROR(visit(static_cast<uint8_t>(payload[0]), body, at + kFrameHead + 1));
    at += kFrameHead + parsed->length;
  }
  if (at < size_) {
    LOCKSTEP_ASSIGN_OR_RETURN(const bool damaged, WasSynced(at));
    if (damaged) {
      return absl::DataLossError(absl::StrCat(
          "opening \"", path_, "\": damaged at byte ", at,
          ", in what had been written safely; "
          "check the disk, then move the file away: the agent gets its state from the hub again "
          "and takes over objects that are as wanted"));
    }
    if (ftruncate(fd_.get(), static_cast<off_t>(at)) != 0) {
      return FileError(errno, "cutting the unfinished end of", path_);
    }
    size_ = at;
  }
  synced_ = 0;
  if (format == kFormat) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(WriteAt(fd_.get(), 0, FileHead(), path_));
  return fdatasync(fd_.get()) == 0 ? absl::OkStatus() : FileError(errno, "syncing", path_);
}

absl::StatusOr<bool> Journal::WasSynced(uint64_t lost) const {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string tail, Read(lost, static_cast<size_t>(size_ - lost)));
  const absl::string_view rest = tail;
  for (size_t at = rest.find(kFrameMagic, 1); at != absl::string_view::npos;
       at = rest.find(kFrameMagic, at + 1)) {
    const std::optional<FrameHead> head = ParseHead(rest.substr(at, kFrameHead));
    if (!head.has_value() || head->length > rest.size() - at - kFrameHead) continue;
    if (head->synced <= lost) continue;
    if (IsFrame(rest.substr(at, kFrameHead), rest.substr(at + kFrameHead, head->length))) {
      return true;
    }
  }
  return false;
}

uint64_t Journal::Add(uint8_t type, absl::string_view body) {
  std::string head(kFrameMagic);
  AppendBigEndian(body.size() + 1, 4, &head);
  AppendBigEndian(synced_, 8, &head);
  std::string payload;
  payload.reserve(body.size() + 1);
  payload.push_back(static_cast<char>(type));
  absl::StrAppend(&payload, body);
  absl::StrAppend(&added_, head, Checksum(head, payload));
  const uint64_t offset = size_ + added_.size() + 1;
  absl::StrAppend(&added_, payload);
  return offset;
}

absl::Status Journal::Commit(bool sync, uint64_t bytes_max) {
  const std::string bytes = std::exchange(added_, {});
  if (failed_) {
    return absl::DataLossError(
        absl::StrCat("writing \"", path_,
                     "\": the disk failed to keep an earlier write; check it and start "
                     "the agent again"));
  }
  if (size_ + bytes.size() > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("writing \"", path_, "\": it would be over ", bytes_max, " bytes"));
  }
  if (absl::Status status = WriteAt(fd_.get(), size_, bytes, path_); !status.ok()) {
    // Best effort: whatever stays behind the end is overwritten by the next commit.
    [[maybe_unused]] const int cut = ftruncate(fd_.get(), static_cast<off_t>(size_));
    if (absl::IsResourceExhausted(status)) return status;
    failed_ = true;
    return absl::DataLossError(status.message());
  }
  if (sync) {
    if (fdatasync(fd_.get()) != 0) {
      failed_ = true;
      const absl::Status status = absl::DataLossError(FileError(errno, "syncing", path_).message());
      [[maybe_unused]] const int cut = ftruncate(fd_.get(), static_cast<off_t>(size_));
      return status;
    }
    synced_ = size_ + bytes.size();
  }
  size_ += bytes.size();
  return absl::OkStatus();
}

absl::StatusOr<std::string> Journal::Read(uint64_t offset, size_t length) const {
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < length) {
    const ssize_t got =
        pread(fd_.get(), bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "reading", path_);
    if (got == 0) return absl::DataLossError(absl::StrCat("reading \"", path_, "\": cut short"));
    done += static_cast<size_t>(got);
  }
  return bytes;
}

}  // namespace lockstep
