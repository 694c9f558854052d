#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep::kustomize {

enum class FileKind { kResources, kPatches };

/// Reads the objects of a resource file as kustomize does: documents are split at lines that begin
/// with "---" before YAML is read, lists are unwrapped, empty documents are skipped.
///
/// INVALID_ARGUMENT with "FILE:LINE:COLUMN: …" for what is no YAML, and for documents that are no
/// objects (kind and metadata.name are needed); RESOURCE_EXHAUSTED for a limit. Values keep how
/// their scalars were written; their lines are counted from `line_base` on. In
/// patches, keys need not be texts.
/// Source: kyaml 0.21.1, kio.ByteReader; api 0.21.1, resource.Factory.
absl::StatusOr<std::vector<Value>> ReadResources(absl::string_view bytes, absl::string_view file,
                                                 uint32_t line_base, FileKind kind);

}  // namespace lockstep::kustomize
