#include "common/health/load/load.h"

#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/object/yaml.h"

namespace lockstep {
namespace {

constexpr int64_t kScriptBytesMax = 256 << 10;
constexpr int64_t kConfigMapBytesMax = 3 << 20;

// Adds the rule in `folder`, if there is one.
absl::Status AddScript(const std::string& folder, const std::string& key, HealthRules* rules) {
  const std::string path = absl::StrCat(folder, "/health.lua");
  if (!PathExists(path)) return absl::OkStatus();
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string script, ReadFile(path, kScriptBytesMax));
  return rules->Add(absl::StrReplaceAll(key, {{"_", "*"}}), script, path);
}

// The folders in `path`; none where it is a file.
std::vector<std::string> FoldersIn(const std::string& path) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(path);
  std::vector<std::string> folders;
  if (!names.ok()) return folders;
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, ".")) continue;
    if (ListDirectory(absl::StrCat(path, "/", name)).ok()) folders.push_back(name);
  }
  return folders;
}

absl::StatusOr<HealthRules> LoadFolder(const std::string& path) {
  HealthRules rules;
  for (const std::string& group : FoldersIn(path)) {
    const std::string folder = absl::StrCat(path, "/", group);
    LOCKSTEP_RETURN_IF_ERROR(AddScript(folder, group, &rules));
    for (const std::string& kind : FoldersIn(folder)) {
      LOCKSTEP_RETURN_IF_ERROR(
          AddScript(absl::StrCat(folder, "/", kind), absl::StrCat(group, "/", kind), &rules));
    }
  }
  if (rules.size() > 0) return rules;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": there is no GROUP/KIND/health.lua in this folder"));
}

absl::StatusOr<HealthRules> LoadConfigMap(const std::string& path) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kConfigMapBytesMax));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Value> documents, ReadYaml(text, path));
  HealthRules rules;
  bool found = false;
  for (const Value& document : documents) {
    if (document.IsNull()) continue;
    LOCKSTEP_RETURN_IF_ERROR(rules.AddConfigMap(document, path));
    found = true;
  }
  if (found) return rules;
  return absl::InvalidArgumentError(absl::StrCat(path, ": the file is empty"));
}

}  // namespace

absl::StatusOr<HealthRules> LoadHealthRules(const std::string& path) {
  if (!PathExists(path)) {
    return absl::NotFoundError(absl::StrCat(
        path, ": there is neither a folder of health rules nor a ConfigMap at this path"));
  }
  return ListDirectory(path).ok() ? LoadFolder(path) : LoadConfigMap(path);
}

}  // namespace lockstep
