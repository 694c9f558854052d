#pragma once

#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/render/parse_cache.h"

namespace lockstep {

/// Whether files of this name are read for objects: *.yaml, *.yml, *.json.
bool IsManifestName(absl::string_view name);

/// What reading a file came to: its objects, or its faults.
struct ManifestFile {
  ParsedFile parsed;
  std::vector<std::string>
      errors;  // "FILE:LINE:COLUMN: message"; where there are any, the objects do not count.
};

/// Reads the documents of a manifest file and checks that each is an object of Kubernetes:
/// apiVersion, kind, metadata.name by their grammars, labels and annotations that are text. Items
/// of lists become objects of their own. `file` is the name for messages. What no field of the
/// manifest rules read is passed on as it is.
ManifestFile ReadManifestFile(absl::string_view content, absl::string_view file);

/// `object`, which names no namespace, in `namespace_` (a DNS label).
ParsedObject InNamespace(const ParsedObject& object, absl::string_view namespace_);

}  // namespace lockstep
