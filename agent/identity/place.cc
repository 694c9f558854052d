#include "agent/identity/place.h"

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr int64_t kFileBytesMax = 1 << 20;

}  // namespace

IdentityFile::IdentityFile(absl::string_view directory)
    : path_(absl::StrCat(directory, "/identity.pem")) {}

absl::StatusOr<std::string> IdentityFile::Read() const { return ReadFile(path_, kFileBytesMax); }

absl::Status IdentityFile::Write(absl::string_view text) const {
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(DirName(path_), 0700));
  return WriteFileAtomic(path_, text, Durability::kSynced, 0600);
}

std::string IdentityFile::Name() const { return absl::StrCat("\"", path_, "\""); }

}  // namespace lockstep
