#pragma once

#include <cstddef>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/file.h"

/// File calls that begin at an open folder and follow no link. `shown` is the path for messages.
namespace lockstep {

struct OpenedFolder {
  OwnedFd fd;
  bool made = false;
};

/// Opens the folder `name` in `parent`, making it first if `make`. NOT_FOUND if it is not there;
/// FAILED_PRECONDITION for a link or a file at its place.
absl::StatusOr<OpenedFolder> OpenFolderAt(int parent, const std::string& name, bool make,
                                          absl::string_view shown);

/// The whole regular file. NOT_FOUND; FAILED_PRECONDITION for anything but a regular file;
/// RESOURCE_EXHAUSTED over `bytes_max`.
absl::StatusOr<std::string> ReadRegularFileAt(int folder, const std::string& name,
                                              absl::string_view shown, size_t bytes_max);

/// Begins the names of the temporary files of one target, `uid`: kTemporaryPrefix, and what only
/// agents of that target write.
std::string TemporaryPrefixOf(absl::string_view uid);

/// `prefix` and chance.
std::string MakeTemporaryName(absl::string_view prefix);

/// Writes a file named `temporary`, which may not be there, syncs its bytes and renames it to
/// `name`. The caller syncs the folder. After an error `temporary` is gone and `name` as before.
absl::Status ReplaceFileAt(int folder, const std::string& name, const std::string& temporary,
                           absl::string_view bytes, absl::string_view shown);

/// Removes temporary files of an earlier process in `root` and two levels below, best effort: plain
/// files of this process's user that are called as MakeTemporaryName calls them. Others may call
/// theirs something alike.
void RemoveTemporaries(const std::string& root, absl::string_view prefix);

}  // namespace lockstep
