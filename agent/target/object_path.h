#pragma once

#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/object_key.h"

namespace lockstep {

/// Where one object's file lies below the directory target's root.
struct ObjectPath {
  std::string namespace_folder;  // "shop", "_cluster".
  std::string kind_folder;       // "Deployment.apps", "ConfigMap".
  std::string file;              // "web.yaml".

  std::string Folder() const { return namespace_folder + "/" + kind_folder; }
  std::string ToString() const { return Folder() + "/" + file; }
};

/// `<namespace or _cluster>/<Kind>.<group>/<name>.yaml`, APPLY 4. Different keys give different
/// paths, and no part is empty, begins with a dot or contains a separator, whatever the key holds.
///
/// Bytes outside [A-Za-z0-9._-] are percent-encoded; so are a dot at the beginning, a dot in a kind
/// and an underscore at the beginning of a namespace.
/// INVALID_ARGUMENT where a part becomes longer than the 255 bytes that a file name may have.
absl::StatusOr<ObjectPath> PathOf(const ObjectKey& key);

/// What the names of temporary files begin with; no object's file does.
inline constexpr absl::string_view kTemporaryPrefix = ".lockstep-tmp-";

}  // namespace lockstep
