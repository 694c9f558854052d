#include "hub/store/commit_mark.h"

#include <utility>

#include <absl/strings/str_cat.h>
#include <rocksdb/env.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/status.h"
#include "hub/store/rocks_status.h"

namespace lockstep {
namespace {

constexpr absl::string_view kMagic = "LSMARK1\n";
constexpr size_t kSlotBytes = 512;
constexpr size_t kChecked = 8 + 3 * 8 + Digest::kSize;

void AddInteger(std::string* bytes, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes->push_back(static_cast<char>(value >> shift));
}

uint64_t IntegerAt(absl::string_view bytes, size_t offset) {
  uint64_t value = 0;
  for (const char c : bytes.substr(offset, 8)) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

std::string EncodeSlot(uint64_t turn, const CommitMark& mark) {
  std::string slot(kMagic);
  AddInteger(&slot, turn);
  AddInteger(&slot, mark.commit.counter);
  AddInteger(&slot, mark.sequence);
  absl::StrAppend(&slot, mark.commit.chain.bytes());
  absl::StrAppend(&slot, Digest::Of(slot).bytes());
  slot.resize(kSlotBytes, '\0');
  return slot;
}

struct Slot {
  uint64_t turn = 0;
  CommitMark mark;
};

std::optional<Slot> DecodeSlot(absl::string_view bytes) {
  if (bytes.size() < kChecked + Digest::kSize || bytes.substr(0, kMagic.size()) != kMagic) {
    return std::nullopt;
  }
  if (Digest::Of(bytes.substr(0, kChecked)).bytes() != bytes.substr(kChecked, Digest::kSize)) {
    return std::nullopt;
  }
  Slot slot;
  slot.turn = IntegerAt(bytes, 8);
  slot.mark.commit.counter = IntegerAt(bytes, 16);
  slot.mark.sequence = IntegerAt(bytes, 24);
  slot.mark.commit.chain = *Digest::FromBytes(bytes.substr(32, Digest::kSize));
  return slot;
}

}  // namespace

absl::StatusOr<std::optional<CommitMark>> CommitMarkFile::Read(rocksdb::Env* env,
                                                               const std::string& path) {
  if (env->FileExists(path).IsNotFound()) return std::nullopt;
  std::string bytes;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(rocksdb::ReadFileToString(env, path, &bytes), "reading", path));
  std::optional<Slot> newest;
  for (size_t at = 0; at + kSlotBytes <= bytes.size(); at += kSlotBytes) {
    const std::optional<Slot> slot = DecodeSlot(absl::string_view(bytes).substr(at, kSlotBytes));
    if (slot.has_value() && (!newest.has_value() || slot->turn > newest->turn)) newest = slot;
  }
  if (!newest.has_value()) {
    return absl::DataLossError(absl::StrCat("reading \"", path, "\": the file is damaged"));
  }
  return newest->mark;
}

absl::StatusOr<std::unique_ptr<CommitMarkFile>> CommitMarkFile::Create(rocksdb::Env* env,
                                                                       const std::string& path,
                                                                       const CommitMark& mark) {
  const std::string temporary = absl::StrCat(path, ".new");
  const std::string bytes = absl::StrCat(EncodeSlot(0, mark), EncodeSlot(1, mark));
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(rocksdb::WriteStringToFile(env, bytes, temporary, /*should_sync=*/true), "writing",
                temporary));
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(env->RenameFile(temporary, path), "renaming to", path));
  std::unique_ptr<rocksdb::Directory> directory;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(env->NewDirectory(DirName(path), &directory), "opening directory of", path));
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(directory->Fsync(), "syncing directory of", path));
  std::unique_ptr<rocksdb::RandomRWFile> file;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(env->NewRandomRWFile(path, &file, rocksdb::EnvOptions()), "opening", path));
  return std::unique_ptr<CommitMarkFile>(new CommitMarkFile(path, std::move(file)));
}

CommitMarkFile::CommitMarkFile(std::string path, std::unique_ptr<rocksdb::RandomRWFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

CommitMarkFile::~CommitMarkFile() = default;

absl::Status CommitMarkFile::Write(const CommitMark& mark, Sync sync) {
  const uint64_t slot = 1 - synced_slot_;
  LOCKSTEP_RETURN_IF_ERROR(
      FromRocks(file_->Write(slot * kSlotBytes, EncodeSlot(++turn_, mark)), "writing", path_));
  if (sync == Sync::kLater) return absl::OkStatus();
  LOCKSTEP_RETURN_IF_ERROR(FromRocks(file_->Sync(), "syncing", path_));
  synced_slot_ = slot;
  return absl::OkStatus();
}

}  // namespace lockstep
