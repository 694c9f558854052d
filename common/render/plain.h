#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/base/digest.h"
#include "common/bundle/manifest.h"
#include "common/object/object_key.h"
#include "common/render/parse_cache.h"
#include "common/render/snapshot.h"

namespace lockstep {

/// SECURITY 2.4; every error names the limit it met.
struct RenderLimits {
  size_t files = 20'000;          // Entries of all directories of a source path.
  uint64_t file_bytes = 3 << 20;  // One manifest file.
  size_t documents = 50'000;      // Objects of a source path, items of lists included.
  size_t errors = 20;             // Told in one answer; more are counted.
};

/// What, beside the files, decides the result.
struct RenderParameters {
  std::string default_namespace = "default";  // For objects of namespaced kinds that name none.
  std::optional<std::string> ignore;          // GitRepository spec.ignore.
  RenderLimits limits;
};

/// One object of a rendered folder.
struct RenderedObject {
  ObjectKey key;
  Digest blob;                              // Of *json.
  std::shared_ptr<const std::string> json;  // Canonical; shared with the cache.
  std::string file;                         // Path in the repository.
  uint32_t line = 0;
};

/// What a folder says should be.
struct RenderedSet {
  std::vector<RenderedObject> objects;  // By key; one per entry of the manifest.
  ManifestPtr manifest;
  std::vector<std::string> warnings;  // Sentences for the application's status.
  size_t files = 0;                   // Manifest files that count.
  size_t files_parsed = 0;            // Those that the cache did not know.

  /// Null where the set does not name it.
  const RenderedObject* Find(const ObjectKey& key) const;
};

/// Reads all *.yaml, *.yml and *.json files under the folder `path` (normalized) of the commit.
///
/// Lists are flattened; objects of namespaced kinds that name no namespace get
/// parameters.default_namespace; null documents are skipped. Pure but for the cache, which changes
/// no result and may be null; safe on many threads with one cache.
///
/// Errors: NOT_FOUND where `path` is missing or excluded; RESOURCE_EXHAUSTED for more files,
/// documents or ignore patterns than allowed; INVALID_ARGUMENT for content, with a line per fault
/// as FILE:LINE:COLUMN: message, for YAML that is none, files over the limit, documents that are no
/// objects, one object twice, symbolic links. A kustomization file anywhere refuses the folder:
/// nothing is half-rendered. What the snapshot itself fails with passes through.
absl::StatusOr<RenderedSet> RenderPlain(const Snapshot& snapshot, absl::string_view path,
                                        const RenderParameters& parameters, ParseCache* cache);

/// What RenderPlain depends on, from tree ids alone: where it is equal, so is the result (errors
/// included), whatever the commit. Reads no file but .sourceignore files above `path`; NOT_FOUND
/// where `path` is missing.
absl::StatusOr<Digest> RenderInput(const Snapshot& snapshot, absl::string_view path,
                                   const RenderParameters& parameters);

}  // namespace lockstep
