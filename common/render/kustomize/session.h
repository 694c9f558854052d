#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/render/kustomize/build.h"
#include "common/render/kustomize/decode.h"
#include "common/render/kustomize/file_cache.h"
#include "common/render/patch/merge_schema.h"
#include "common/render/snapshot.h"

namespace lockstep::kustomize {

/// What all parts of one build share: where it reads from, what it counts, and how it says where
/// something stands. One thread.
class Session {
 public:
  /// All are borrowed and outlive this.
  Session(const Snapshot* snapshot, const BuildOptions* options, FileCache* cache)
      : snapshot_(*snapshot), options_(*options), cache_(*cache) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Snapshot& snapshot() const { return snapshot_; }
  const BuildOptions& options() const { return options_; }
  FileCache& cache() { return cache_; }

  /// A path of the snapshot as messages show it.
  std::string Shown(absl::string_view path) const;
  /// "FILE:LINE:COLUMN" of something that was read.
  std::string Describe(Place place) const;
  /// INVALID_ARGUMENT, "FILE:LINE:COLUMN: message".
  absl::Status Error(Place place, absl::string_view message) const;
  /// Puts "FILE:LINE:COLUMN: " before the message of `status`, keeping its code and payloads.
  absl::Status At(Place place, const absl::Status& status) const;
  Decoder MakeDecoder(Decoder::Strictness strictness) const;

  // Limits. RESOURCE_EXHAUSTED where one is met.
  absl::Status CountKustomization(absl::string_view file);
  absl::Status CountBytes(absl::string_view file, uint64_t bytes);

  /// The first description of resource types that is set counts for the whole build.
  bool HasOwnSchema() const { return schema_set_; }
  void SetSchema(std::unique_ptr<MergeSchema> schema) {
    schema_set_ = true;
    schema_ = std::move(schema);
  }
  const MergeSchema& schema() const { return schema_ ? *schema_ : MergeSchema::BuiltIn(); }

  /// Whether the kustomization that is built asks for any buildMetadata.
  bool keeps_origins = false;

  std::vector<std::string> warnings;

 private:
  const Snapshot& snapshot_;
  const BuildOptions& options_;
  FileCache& cache_;
  size_t kustomizations_ = 0;
  uint64_t bytes_ = 0;
  bool schema_set_ = false;
  std::unique_ptr<MergeSchema> schema_;  // Null for the built-in one.
};

}  // namespace lockstep::kustomize
