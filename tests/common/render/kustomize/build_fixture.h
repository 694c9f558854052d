#pragma once

#include <map>
#include <string>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/render/kustomize/build.h"
#include "common/render/map_snapshot.h"

namespace lockstep::kustomize {

using Files = std::map<std::string, std::string>;

inline const std::string& TestCommit() {
  static const auto& commit = *new std::string(40, 'a');
  return commit;
}

/// What building `folder` of `files` prints, or "error: " and the message.
inline std::string BuildText(const Files& files, absl::string_view folder = "",
                             const BuildOptions& options = {}) {
  const MapSnapshot snapshot(TestCommit(), files);
  FileCache cache;
  const absl::StatusOr<BuildResult> built = Build(snapshot, folder, options, &cache);
  if (!built.ok()) return absl::StrCat("error: ", built.status().message());
  const absl::StatusOr<std::string> text = WriteResources(built->resources);
  return text.ok() ? *text : absl::StrCat("error: ", text.status().message());
}

inline std::string ConfigMap(absl::string_view name, absl::string_view more = "") {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name, "\n", more);
}

}  // namespace lockstep::kustomize
