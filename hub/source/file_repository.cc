#include "hub/source/file_repository.h"

#include <sys/stat.h>

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/file.h"

namespace lockstep {
namespace {

// What a repository is made of; libgit2 follows a link at any of these.
constexpr const char* kParts[] = {".git",         "HEAD",         "config",      "objects",
                                  "objects/info", "objects/pack", "packed-refs", "refs",
                                  "refs/heads",   "refs/tags"};

// The kind of what lies at `path` itself (S_IFMT); 0 for nothing.
mode_t KindOf(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 ? info.st_mode & S_IFMT : 0;
}

absl::Status LeadsOut(absl::string_view part, absl::string_view advice) {
  return absl::FailedPreconditionError(
      absl::StrCat("its ", part, " leads to other directories of the hub's machine; ", advice,
                   ", or serve it over https or ssh"));
}

bool Includes(absl::string_view config) {
  for (const absl::string_view line : absl::StrSplit(config, '\n')) {
    if (absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(line), "[include"))
      return true;
  }
  return false;
}

}  // namespace

absl::Status CheckStaysWithin(const std::string& path) {
  const mode_t inner = KindOf(path + "/.git");
  if (inner == S_IFREG) {
    return LeadsOut(".git file", "name the repository itself in spec.url");
  }
  const std::string directory = inner == S_IFDIR ? path + "/.git" : path;
  for (const std::string& place : {path, directory}) {
    for (const char* part : kParts) {
      if (KindOf(absl::StrCat(place, "/", part)) == S_IFLNK)
        return LeadsOut(absl::StrCat("link \"", part, "\""), "put the real one in its place");
    }
  }
  if (PathExists(directory + "/commondir")) {
    return LeadsOut("commondir", "name the repository itself in spec.url, not a work tree of it");
  }
  if (PathExists(directory + "/objects/info/alternates")) {
    return LeadsOut("objects/info/alternates",
                    "bring the objects in (git repack -a -d) and remove that file");
  }
  if (Includes(ReadFile(directory + "/config").value_or(""))) {
    return LeadsOut("config's [include]", "remove that section");
  }
  return absl::OkStatus();
}

}  // namespace lockstep
