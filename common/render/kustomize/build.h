#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/kustomize/file_cache.h"
#include "common/render/resource/resource.h"
#include "common/render/snapshot.h"

namespace lockstep::kustomize {

/// SECURITY 2.4; every error names the limit it met.
struct BuildLimits {
  size_t resources = 50'000;        // In one list.
  size_t kustomizations = 5'000;    // Entered, each time counted.
  size_t depth = 64;                // Kustomizations inside one another.
  uint64_t file_bytes = 3 << 20;    // One file.
  uint64_t read_bytes = 256 << 20;  // All files together, each time counted.
};

struct BuildOptions {
  /// What `kustomize build --load-restrictor` says.
  enum class LoadRestrictor { kRootOnly, kNone };
  /// What `--reorder` says. sortOptions in the kustomization goes before it.
  enum class Reorder { kUnset, kLegacy, kNone };

  LoadRestrictor load_restrictor = LoadRestrictor::kRootOnly;
  Reorder reorder = Reorder::kUnset;
  bool managed_by_label = false;  // --enable-managedby-label
  std::string path_prefix;        // Put before paths of the snapshot in messages ("/").
  BuildLimits limits;
};

/// A repository that the kustomizations name and the snapshot does not hold.
struct NeededRepository {
  std::string url;   // As for `git clone`.
  std::string ref;   // "" for the default branch.
  std::string path;  // Of the folder in it.
};

struct BuildResult {
  std::vector<Resource> resources;    // In the order of the output, ready to be written.
  std::vector<std::string> warnings;  // Of old spellings, "FILE: sentence".
};

/// What `kustomize build` makes of the folder `path` (normalized) of the snapshot.
///
/// Pure but for the cache, which changes no result; safe on many threads with one cache. Nothing
/// but the snapshot is read: no socket, no program.
///
/// Errors: INVALID_ARGUMENT for what kustomize refuses, RESOURCE_EXHAUSTED for a limit,
/// UNIMPLEMENTED for what only a program could do (exec and container functions, helm charts),
/// FAILED_PRECONDITION where a repository is needed (NeededBy tells which). Messages begin with the
/// file, its line and column where known.
absl::StatusOr<BuildResult> Build(const Snapshot& snapshot, absl::string_view path,
                                  const BuildOptions& options, FileCache* cache);

/// What a status of Build lacks, or nothing where it is another error.
std::optional<NeededRepository> NeededBy(const absl::Status& status);

/// Byte for byte what `kustomize build` prints.
absl::StatusOr<std::string> WriteResources(const std::vector<Resource>& resources);

}  // namespace lockstep::kustomize
