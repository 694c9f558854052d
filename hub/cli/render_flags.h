#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/disk/disk_snapshot.h"
#include "common/render/kustomize/build.h"

namespace CLI {
class App;
}

namespace lockstep {

/// The flags of `kustomize build`, as it spells them.
struct RenderFlags {
  std::string load_restrictor = "LoadRestrictionsRootOnly";
  std::string reorder;
  bool managed_by_label = false;

  /// Adds them, and those that are about functions, plugins and helm, which are taken and change
  /// nothing: what needs any of these is an error of the build.
  void AddTo(CLI::App* app);
  /// INVALID_ARGUMENT for a value that is none.
  absl::StatusOr<kustomize::BuildOptions> ToOptions() const;

 private:
  struct Ignored {
    bool flag = false;
    std::vector<std::string> values;
  };
  std::shared_ptr<Ignored> ignored_ = std::make_shared<Ignored>();
};

/// Where to render on this machine: all of its files, since a kustomization may name folders
/// anywhere.
struct RenderPlace {
  std::unique_ptr<DiskSnapshot> snapshot;
  std::string path;  // In the snapshot.
};

/// FAILED_PRECONDITION where `directory` is none.
absl::StatusOr<RenderPlace> OpenRenderPlace(const std::string& directory);

/// Paths below the working directory as seen from there.
std::string FromHere(absl::string_view message);

/// The status of a build as one that ends the command with 1: a mistake in a file is no wrong
/// usage.
absl::Status AsRenderFailure(const absl::Status& status);

}  // namespace lockstep
