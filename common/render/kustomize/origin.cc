#include "common/render/kustomize/origin.h"

#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/render/kustomize/remote.h"
#include "common/render/kustomize/yaml_text.h"

namespace lockstep::kustomize {
namespace {

// Go's filepath.Join: ".." at the front stay.
std::string Join(absl::string_view a, absl::string_view b) {
  std::vector<absl::string_view> parts;
  for (const absl::string_view text : {a, b}) {
    for (const absl::string_view part : absl::StrSplit(text, '/', absl::SkipEmpty())) {
      if (part == ".") continue;
      if (part == ".." && !parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else {
        parts.push_back(part);
      }
    }
  }
  return absl::StrJoin(parts, "/");
}

// The fields of a record, each on a line; `indent` from the second line on.
std::string Lines(const Origin& origin, absl::string_view indent) {
  std::vector<std::string> lines;
  const auto add = [&lines](absl::string_view key, absl::string_view text) {
    if (text.empty()) return;
    std::string line = absl::StrCat(key, ": ");
    YamlText(&line).String(text, 2);
    lines.push_back(std::move(line));
  };
  add("path", origin.path);
  add("repo", origin.repo);
  add("ref", origin.ref);
  add("configuredIn", origin.configured_in);
  if (!origin.by_kind.empty() || !origin.by_api_version.empty()) {
    lines.emplace_back("configuredBy:");
    add("  apiVersion", origin.by_api_version);
    add("  kind", origin.by_kind);
    add("  name", origin.by_name);
    add("  namespace", origin.by_namespace);
  }
  return absl::StrCat(absl::StrJoin(lines, absl::StrCat("\n", indent)), "\n");
}

}  // namespace

Origin Append(const Origin& origin, absl::string_view path) {
  Origin made = origin;
  if (const std::optional<NeededRepository> repository = ParseRepository(path)) {
    made.repo = repository->url;
    made.ref = repository->ref;
    made.path = repository->path;
    return made;
  }
  made.path = Join(origin.path, path);
  return made;
}

Origin OfBuiltIn(const Origin& origin, absl::string_view file, absl::string_view kind) {
  Origin made;
  made.repo = origin.repo;
  made.ref = origin.ref;
  made.configured_in = Join(origin.path, file);
  made.by_api_version = "builtin";
  made.by_kind = std::string(kind);
  return made;
}

Origin OfPlugin(const Resource& configuration) {
  Origin made;
  if (configuration.origin != nullptr) {
    made.repo = configuration.origin->repo;
    made.ref = configuration.origin->ref;
    made.configured_in = configuration.origin->path;
  }
  const ResourceId id = configuration.CurrentId();
  made.by_api_version = absl::StrCat(id.gvk.group, id.gvk.group.empty() ? "" : "/", id.gvk.version);
  made.by_kind = std::string(id.gvk.kind);
  made.by_name = std::string(id.name);
  made.by_namespace = std::string(NamespaceOf(configuration.value));
  return made;
}

std::string OriginText(const Origin& origin) { return Lines(origin, ""); }

std::string TransformationsText(const std::vector<std::shared_ptr<const Origin>>& all) {
  std::string text;
  for (const auto& each : all) absl::StrAppend(&text, "- ", Lines(*each, "  "));
  return text;
}

void RecordStep(const Origin& step, std::vector<Resource>* resources) {
  const auto shared = std::make_shared<const Origin>(step);
  for (Resource& resource : *resources) {
    if (resource.origin == nullptr) {
      resource.origin = std::make_unique<Origin>(step);
    } else {
      resource.transformations.push_back(shared);
    }
  }
}

}  // namespace lockstep::kustomize
