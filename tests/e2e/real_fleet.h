#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// What a real fleet's repository renders to for its 14 clusters: the folders of
/// ../shared/corpus/fleets/infra-deployments that end in the name of one of them.
struct RealFleet {
  struct Folder {
    std::string parent;   // components/backup/production
    std::string cluster;  // kflux-ocp-p01
    std::string content;  // YAML documents; may be none.

    std::string File() const { return parent + "/" + cluster + "/manifests.yaml"; }
  };

  std::vector<Folder> folders;

  /// ../shared is there.
  static bool Available();
  static absl::StatusOr<RealFleet> Load();

  std::vector<std::string> Clusters() const;
  std::vector<std::string> Parents() const;
  /// Path → content, for a repository.
  std::map<std::string, std::string> Files() const;
  const Folder& At(absl::string_view parent, absl::string_view cluster) const;
};

/// The Application of a parent: a DNS label.
std::string ApplicationName(absl::string_view parent);

/// Where a directory target has the objects of these documents and what they are there: as they
/// were written, but that objects of namespaced kinds without a namespace have `default`.
absl::StatusOr<std::map<std::string, Value>> ExpectedObjects(absl::string_view content,
                                                             absl::string_view file);

}  // namespace lockstep
