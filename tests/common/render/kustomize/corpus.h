#pragma once

#include <map>
#include <string>

#include "common/render/map_snapshot.h"

namespace lockstep::kustomize {

/// Where the conformance cases and the real fleet lie, from the source tree.
inline constexpr char kCases[] = "../shared/corpus/kustomize";
inline constexpr char kFleet[] = "../shared/corpus/fleets/infra-deployments";

/// The content of a file; fails the test where there is none.
std::string ReadText(const std::string& path);

/// All files below a folder.
void AddFolder(const std::string& folder, MapSnapshot* snapshot);

/// The files of a tar archive in gzip, by name.
std::map<std::string, std::string> ReadTarGz(const std::string& path);

}  // namespace lockstep::kustomize
