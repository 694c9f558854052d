#include "hub/source/git_handle.h"

#include <cstdlib>

#include <absl/base/call_once.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "hub/remote/ref_spec.h"

namespace lockstep {
namespace {

// libgit2 maps windows of packs; its own bounds (1 GiB each, 8 GiB in all) are over what a fetch
// process may have.
constexpr size_t kMapWindowBytes = size_t{32} << 20;
constexpr size_t kMapBytesMax = size_t{512} << 20;

void Initialize() {
  git_libgit2_init();
  for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                          GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
  }
  git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
  git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
  git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kMapWindowBytes);
  git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMapBytesMax);
}

absl::StatusCode CodeFor(int code, int error_class) {
  if (code == GIT_ENOTFOUND) return absl::StatusCode::kNotFound;
  if (code == GIT_EMISMATCH) return absl::StatusCode::kDataLoss;
  switch (error_class) {
    case GIT_ERROR_NOMEMORY:
      return absl::StatusCode::kResourceExhausted;
    case GIT_ERROR_ZLIB:
    case GIT_ERROR_INDEXER:
    case GIT_ERROR_OBJECT:
    case GIT_ERROR_ODB:
    case GIT_ERROR_TREE:
    case GIT_ERROR_SHA1:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

void InitializeGit() {
  static absl::once_flag once;
  absl::call_once(once, Initialize);
}

void RestartGitAt(const std::string& home) {
  InitializeGit();
  setenv("HOME", home.c_str(), 1);
  git_libgit2_shutdown();
  Initialize();
}

absl::Status GitError(int code, absl::string_view what) {
  const git_error* error = git_error_last();
  const bool told = error != nullptr && error->message != nullptr && error->message[0] != '\0';
  return absl::Status(
      CodeFor(code, told ? error->klass : GIT_ERROR_NONE),
      absl::StrCat(what, ": ",
                   told ? error->message : absl::StrCat("libgit2 error ", code).c_str()));
}

absl::StatusOr<RepositoryHandle> OpenRepository(const std::string& path) {
  git_repository* repository = nullptr;
  const unsigned flags =
      GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE | GIT_REPOSITORY_OPEN_NO_DOTGIT;
  if (const int code = git_repository_open_ext(&repository, path.c_str(), flags, nullptr);
      code != 0) {
    return GitError(code, absl::StrCat("opening the mirror \"", path, "\""));
  }
  return RepositoryHandle(repository);
}

absl::StatusOr<git_oid> ParseOid(absl::string_view hex) {
  git_oid id;
  if (!IsCommitId(hex) || git_oid_fromstrn(&id, hex.data(), hex.size()) != 0) {
    return absl::InvalidArgumentError("an object's id is 40 hex digits");
  }
  return id;
}

std::string OidText(const git_oid& id) {
  std::string text(GIT_OID_HEXSZ, '\0');
  git_oid_fmt(text.data(), &id);
  return text;
}

}  // namespace lockstep
