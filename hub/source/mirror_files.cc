#include "hub/source/mirror_files.h"

#include <algorithm>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

int64_t FileBytes(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? static_cast<int64_t>(info.st_size) : 0;
}

std::vector<std::string> NamesIn(const std::string& directory) {
  return ListDirectory(directory).value_or(std::vector<std::string>());
}

absl::Status RemoveLocks(const std::string& directory) {
  for (const std::string& name : NamesIn(directory)) {
    const std::string path = absl::StrCat(directory, "/", name);
    if (IsDirectory(path)) {
      LOCKSTEP_RETURN_IF_ERROR(RemoveLocks(path));
    } else if (absl::EndsWith(name, ".lock")) {
      LOCKSTEP_RETURN_IF_ERROR(RemoveFile(path));
    }
  }
  return absl::OkStatus();
}

std::string PackDirectory(const std::string& repository) { return repository + "/objects/pack"; }

// Names of packs without their ending, and the bytes of each.
std::vector<std::pair<std::string, int64_t>> PacksOf(const std::string& repository) {
  std::vector<std::pair<std::string, int64_t>> packs;
  for (const std::string& name : NamesIn(PackDirectory(repository))) {
    absl::string_view stem = name;
    if (!absl::StartsWith(name, "pack-") || !absl::ConsumeSuffix(&stem, ".idx")) continue;
    const std::string path = absl::StrCat(PackDirectory(repository), "/", stem);
    packs.emplace_back(path, FileBytes(path + ".pack"));
  }
  return packs;
}

// The ids in a pack's index, version 2 (gitformat-pack(5)): magic, version, 256 running counts of 4
// bytes big-endian, ids.
absl::StatusOr<std::vector<git_oid>> IdsOf(const std::string& pack) {
  constexpr size_t kHeader = 8 + 256 * 4;
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string index, ReadFile(pack + ".idx"));
  if (index.size() < kHeader || !absl::StartsWith(index, absl::string_view("\377tOc\0\0\0\2", 8))) {
    return absl::DataLossError(absl::StrCat("the index of the pack \"", pack, "\" is damaged"));
  }
  size_t count = 0;
  for (size_t i = kHeader - 4; i < kHeader; ++i)
    count = count << 8 | static_cast<uint8_t>(index[i]);
  if (index.size() < kHeader + count * GIT_OID_RAWSZ) {
    return absl::DataLossError(absl::StrCat("the index of the pack \"", pack, "\" is too short"));
  }
  std::vector<git_oid> ids(count);
  for (size_t i = 0; i < count; ++i) {
    git_oid_fromraw(&ids[i], reinterpret_cast<const unsigned char*>(index.data()) + kHeader +
                                 i * GIT_OID_RAWSZ);
  }
  return ids;
}

}  // namespace

absl::Status SweepLeftovers(const std::string& repository) {
  for (const std::string& name : NamesIn(PackDirectory(repository))) {
    if (absl::StartsWith(name, "pack_git2_") || absl::StartsWith(name, "tmp_")) {
      LOCKSTEP_RETURN_IF_ERROR(RemoveFile(absl::StrCat(PackDirectory(repository), "/", name)));
    }
  }
  for (const char* name : {"HEAD.lock", "config.lock", "packed-refs.lock"}) {
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(absl::StrCat(repository, "/", name)));
  }
  return RemoveLocks(repository + "/refs");
}

absl::StatusOr<RepositoryHandle> OpenOrMakeMirror(const std::string& repository) {
  if (absl::StatusOr<RepositoryHandle> opened = OpenRepository(repository); opened.ok())
    return opened;
  LOCKSTEP_RETURN_IF_ERROR(RemoveTree(repository));
  git_repository_init_options options;
  git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
  options.flags =
      GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH | GIT_REPOSITORY_INIT_NO_REINIT;
  options.mode = GIT_REPOSITORY_INIT_SHARED_UMASK;
  git_repository* made = nullptr;
  if (const int code = git_repository_init_ext(&made, repository.c_str(), &options); code != 0) {
    return GitError(code, absl::StrCat("making the mirror \"", repository, "\""));
  }
  return RepositoryHandle(made);
}

int64_t CountPacks(const std::string& repository) {
  return static_cast<int64_t>(PacksOf(repository).size());
}

absl::Status MergePacks(const std::string& repository) {
  LOCKSTEP_RETURN_IF_ERROR(SweepLeftovers(repository));
  std::vector<std::pair<std::string, int64_t>> packs = PacksOf(repository);
  if (packs.size() < 3) return absl::OkStatus();
  // The largest is the first clone as a rule: packing it anew would cost minutes and save nothing.
  std::iter_swap(std::max_element(packs.begin(), packs.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; }),
                 packs.end() - 1);
  packs.pop_back();
  LOCKSTEP_ASSIGN_OR_RETURN(const RepositoryHandle opened, OpenRepository(repository));
  git_packbuilder* raw = nullptr;
  if (const int code = git_packbuilder_new(&raw, opened.get()); code != 0)
    return GitError(code, "merging packs");
  const PackBuilderHandle builder(raw);
  for (const auto& [pack, bytes] : packs) {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<git_oid> ids, IdsOf(pack));
    for (const git_oid& id : ids) {
      if (const int code = git_packbuilder_insert(raw, &id, nullptr); code != 0)
        return GitError(code, "merging packs");
    }
  }
  if (const int code = git_packbuilder_write(raw, nullptr, 0, nullptr, nullptr); code != 0) {
    return GitError(code, "writing the merged pack");
  }
  // The new pack may have the name of an old one only if it holds the same objects.
  const std::string merged =
      absl::StrCat(PackDirectory(repository), "/pack-", git_packbuilder_name(raw));
  for (const auto& [pack, bytes] : packs) {
    if (pack == merged) continue;
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(pack + ".idx"));
    LOCKSTEP_RETURN_IF_ERROR(RemoveFile(pack + ".pack"));
  }
  return absl::OkStatus();
}

}  // namespace lockstep
