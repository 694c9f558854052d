#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "hub/fleet/resource.h"

namespace lockstep {

/// A file of resources that somebody wrote.
struct ResourceFile {
  std::string name;  // For messages.
  std::string content;
};

/// One resource and where it stood.
struct ParsedResource {
  Resource resource;
  std::string file;
  Place place;
};

/// What came of reading files.
struct ParsedResources {
  std::vector<ParsedResource> resources;  // In order; only those without a fault.
  std::vector<std::string>
      errors;  // "FILE:LINE:COLUMN: spec.intervall: unknown field; did you mean …".
  std::vector<std::string> bad_files;  // Names of files with an error, sorted.

  /// OK, or INVALID_ARGUMENT with all errors, a line each.
  absl::Status status() const;
};

/// Reads YAML or JSON of kinds of lockstep.dev/v1, Lists of them included. A file with an error
/// takes nothing from the others; within one file, resources without a fault are still returned
/// (callers that want all or nothing look at status()).
///
/// `default_namespace` is for resources that name none. What the hub sets (metadata.uid,
/// creationTimestamp, generation, managedFields, status, …) is read over, as kubectl does, so that
/// what `get -o yaml` prints can be applied. One resource named twice is an error that names both
/// places.
ParsedResources ParseResources(const std::vector<ResourceFile>& files,
                               absl::string_view default_namespace = "default");

}  // namespace lockstep
