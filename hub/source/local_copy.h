#pragma once

#include <string>

#include <absl/status/status.h>

#include "hub/source/git_handle.h"

namespace lockstep {

/// What is to be copied from one repository of this machine to a mirror of it. Ids are 40 hex
/// digits of commits.
struct LocalCopy {
  std::string source;                // Path of the repository.
  git_repository* mirror = nullptr;  // Borrowed.
  std::string wanted;
  std::string known;  // That the mirror has, with all that it reaches.
  git_indexer_progress_cb progress = nullptr;
  void* payload = nullptr;  // Of `progress`.
};

/// Writes what `wanted` reaches and `known` does not into the mirror, as one pack. In the place of
/// libgit2's own way between two directories, which looks up and opens each object three times,
/// packs it as small as it can and takes it apart again at once. What is small as a whole is not
/// even compressed: packs are merged later, and compressed then.
///
/// libgit2 indexes the pack: it gives each object the id that its bytes have, and asks `progress`,
/// which ends the copy with a negative answer. Nothing is in the mirror before all of it is.
///
/// Any error means that nothing was copied: let libgit2 fetch, which says what is wrong.
absl::Status CopyNew(const LocalCopy& copy);

}  // namespace lockstep
