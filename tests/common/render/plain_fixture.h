#pragma once

#include <map>
#include <string>

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include "common/render/map_snapshot.h"
#include "common/render/plain.h"

namespace lockstep {

inline std::string ConfigMap(absl::string_view name, absl::string_view value = "v") {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\ndata:\n  k: ", value, "\n");
}

/// What the folder `path` of a commit with these files (path → content) renders to.
inline absl::StatusOr<RenderedSet> Render(const std::map<std::string, std::string>& files,
                                          absl::string_view path = "",
                                          const RenderParameters& parameters = {}) {
  const MapSnapshot snapshot("4f2c1e9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e", files);
  return RenderPlain(snapshot, path, parameters, nullptr);
}

}  // namespace lockstep
