#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/render/kustomize/build.h"
#include "common/render/snapshot.h"

namespace lockstep {

/// The folders at and below `root` (a path of the snapshot) that hold a kustomization, sorted,
/// relative to it: "" is the root itself. ".git" is passed over. Errors of the snapshot;
/// RESOURCE_EXHAUSTED for over a million entries.
absl::StatusOr<std::vector<std::string>> FindKustomizations(const Snapshot& snapshot,
                                                            absl::string_view root);

/// Builds kustomizations on all cores of this machine, with what they share read once.
class TreeRenderer {
 public:
  struct Refused {
    std::string folder;
    absl::Status why;
  };

  /// Borrowed; `options` says how each is built.
  TreeRenderer(const Snapshot* snapshot, std::string root, kustomize::BuildOptions options);

  /// Called from any of the threads, once for each folder that could be built. An error refuses the
  /// folder.
  using Sink = std::function<absl::Status(const std::string& folder, const std::string& text)>;
  /// Called on the caller's thread, now and then.
  using Progress = absl::FunctionRef<void(size_t done)>;

  /// Builds `folders` and returns those that were refused, in their order.
  std::vector<Refused> Render(const std::vector<std::string>& folders, const Sink& sink,
                              Progress progress);

 private:
  absl::Status RenderOne(const std::string& folder, const Sink& sink);

  const Snapshot& snapshot_;
  const std::string root_;
  const kustomize::BuildOptions options_;
  kustomize::FileCache cache_;
};

}  // namespace lockstep
