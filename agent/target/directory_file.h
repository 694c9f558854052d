#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

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

/// A file written beside the one that it is to replace. Of many, all should be written before the
/// first is renamed: what they wait for on the disk is then the same for all.
class Replacement {
 public:
  /// Writes the file `temporary`, which may not be there, and starts its bytes on their way to the
  /// disk. After an error it is gone. `folder` is borrowed and outlives this.
  static absl::StatusOr<std::unique_ptr<Replacement>> Write(int folder, std::string temporary,
                                                            absl::string_view bytes,
                                                            std::string shown);
  /// Removes the file unless it was renamed.
  ~Replacement();

  /// Waits until the bytes are on the disk and renames to `name`, once. The caller syncs the
  /// folder. After an error `name` is as before.
  absl::Status RenameTo(const std::string& name);

 private:
  Replacement(int folder, std::string temporary, std::string shown, OwnedFd fd)
      : folder_(folder),
        temporary_(std::move(temporary)),
        shown_(std::move(shown)),
        fd_(std::move(fd)) {}

  const int folder_;
  const std::string temporary_;
  const std::string shown_;
  OwnedFd fd_;
  bool renamed_ = false;
};

/// Removes temporary files of an earlier process in `root` and two levels below, best effort: plain
/// files of this process's user that are called as MakeTemporaryName calls them. Others may call
/// theirs something alike.
void RemoveTemporaries(const std::string& root, absl::string_view prefix);

}  // namespace lockstep
