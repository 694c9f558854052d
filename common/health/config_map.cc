// Argo CD's argocd-cm: https://argo-cd.readthedocs.io/en/stable/operator-manual/health/

#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/health/rules.h"
#include "common/object/yaml.h"

namespace lockstep {
namespace {

constexpr absl::string_view kAll = "resource.customizations";
constexpr absl::string_view kOnePrefix = "resource.customizations.health.";

// GROUP/KIND of GROUP_KIND; the core group's is KIND or _KIND.
absl::StatusOr<std::string> KeyOfSuffix(absl::string_view suffix, absl::string_view origin) {
  const std::vector<absl::string_view> parts = absl::StrSplit(suffix, '_');
  if (parts.size() == 1 || (parts.size() == 2 && parts[0].empty())) {
    return std::string(parts.back());
  }
  if (parts.size() == 2) return absl::StrCat(parts[0], "/", parts[1]);
  return absl::InvalidArgumentError(absl::StrCat(origin, ": the key \"", kOnePrefix, suffix,
                                                 "\" does not end in GROUP_KIND or KIND"));
}

absl::Status AddBlock(const Value& text, absl::string_view origin, HealthRules* rules) {
  const std::string name = absl::StrCat(origin, ": ", kAll);
  if (!text.IsString()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is no text; end its key with \": |\""));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Value> documents, ReadYaml(text.AsString(), name));
  for (const Value& document : documents) {
    if (document.IsNull()) continue;
    if (!document.IsObject()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is no mapping from GROUP/KIND"));
    }
    for (const auto& [key, customization] : document.AsObject()) {
      const Value* script = customization.Find("health.lua");
      if (script == nullptr || script->IsNull()) continue;
      const std::string where = absl::StrCat(name, ": ", key, ": health.lua");
      if (!script->IsString()) {
        return absl::InvalidArgumentError(absl::StrCat(where, " is no text"));
      }
      if (script->AsString().empty()) continue;
      LOCKSTEP_RETURN_IF_ERROR(rules->Add(key, script->AsString(), where));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status HealthRules::AddConfigMap(const Value& config_map, absl::string_view origin) {
  if (config_map.StringAt("kind") != "ConfigMap" || config_map.StringAt("apiVersion") != "v1") {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": it is no ConfigMap (kind \"", config_map.StringAt("kind"),
                     "\"); give Argo CD's argocd-cm, or a folder with GROUP/KIND/health.lua"));
  }
  const Value* data = config_map.Find("data");
  if (data == nullptr || !data->IsObject()) return absl::OkStatus();
  if (const Value* all = data->Find(kAll); all != nullptr && !all->IsNull()) {
    LOCKSTEP_RETURN_IF_ERROR(AddBlock(*all, origin, this));
  }
  // After the block: a key of its own wins.
  for (const auto& [name, script] : data->AsObject()) {
    absl::string_view suffix = name;
    if (!absl::ConsumePrefix(&suffix, kOnePrefix)) continue;
    const std::string where = absl::StrCat(origin, ": ", name);
    if (!script.IsString()) return absl::InvalidArgumentError(absl::StrCat(where, " is no text"));
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string key, KeyOfSuffix(suffix, origin));
    if (!script.AsString().empty()) {
      LOCKSTEP_RETURN_IF_ERROR(Add(key, script.AsString(), where));
    }
  }
  return absl::OkStatus();
}

}  // namespace lockstep
