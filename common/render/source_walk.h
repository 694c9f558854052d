#pragma once

#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/render/plain.h"
#include "common/render/snapshot.h"

namespace lockstep {

/// A manifest file that counts.
struct SourceFile {
  std::string path;
  std::string id;  // Of its content.
};

/// The files under a source path, after what is excluded.
struct SourceTree {
  std::vector<SourceFile>
      files;  // Manifests, in the order of the walk: sorted by name in each directory.
  std::vector<std::string> kustomizations;  // Paths of kustomization files.
  std::vector<std::string> faults;          // "PATH: message".
  std::vector<std::string> warnings;
};

/// Looks through the folder `path`; reads .sourceignore files only. Errors as RenderPlain's.
absl::StatusOr<SourceTree> WalkSource(const Snapshot& snapshot, absl::string_view path,
                                      const std::optional<std::string>& ignore,
                                      const RenderLimits& limits);

/// Adds what WalkSource and the reading of its files depend on: the ids of `path` and of the
/// .sourceignore files above it.
absl::Status HashSource(const Snapshot& snapshot, absl::string_view path, Hasher& hasher);

}  // namespace lockstep
