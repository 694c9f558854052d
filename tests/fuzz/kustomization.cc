// A tree of files ("@@ PATH" lines begin them), the folder of the first of which is built.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/render/kustomize/build.h"
#include "common/render/map_snapshot.h"
#include "common/render/path.h"
#include "tests/fuzz/check.h"

namespace lockstep::fuzz {
namespace {

struct Tree {
  std::map<std::string, std::string> files;
  std::string folder;  // Of the first file.
};

Tree ReadTree(absl::string_view text) {
  Tree tree;
  std::string* content = nullptr;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "@@ ")) {
      if (content != nullptr) absl::StrAppend(content, line, "\n");
      continue;
    }
    content = nullptr;
    const absl::StatusOr<std::string> path = NormalizePath(line);
    if (!path.ok() || path->empty() || tree.files.size() == 64) continue;
    // A name is a file or a folder, not both.
    const bool clash = std::any_of(tree.files.begin(), tree.files.end(), [&](const auto& file) {
      return absl::StartsWith(file.first, absl::StrCat(*path, "/")) ||
             absl::StartsWith(*path, absl::StrCat(file.first, "/"));
    });
    if (clash) continue;
    if (tree.files.empty() && absl::StrContains(*path, '/'))
      tree.folder = path->substr(0, path->rfind('/'));
    content = &tree.files[*path];
  }
  return tree;
}

std::string Build(const Tree& tree, kustomize::FileCache* cache) {
  const MapSnapshot snapshot(std::string(40, 'a'), tree.files);
  // Small enough for thousands of runs.
  kustomize::BuildOptions options;
  options.limits = {.resources = 200,
                    .kustomizations = 50,
                    .depth = 20,
                    .file_bytes = 64 << 10,
                    .read_bytes = 1 << 20};
  const absl::StatusOr<kustomize::BuildResult> built =
      kustomize::Build(snapshot, tree.folder, options, cache);
  if (!built.ok()) {
    Check(!built.status().message().empty(), "an error says why");
    return absl::StrCat("error: ", built.status().ToString());
  }
  const absl::StatusOr<std::string> text = kustomize::WriteResources(built->resources);
  return text.ok() ? *text : absl::StrCat("error: ", text.status().ToString());
}

}  // namespace
}  // namespace lockstep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using lockstep::fuzz::Build;
  using lockstep::fuzz::Check;
  const lockstep::fuzz::Tree tree = lockstep::fuzz::ReadTree(lockstep::fuzz::TextOf(bytes, size));
  if (tree.files.empty()) return 0;
  lockstep::kustomize::FileCache cache;
  const std::string first = Build(tree, &cache);
  Check(Build(tree, &cache) == first, "a cache that holds the files changes nothing");
  return 0;
}
