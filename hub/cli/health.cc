#include <iostream>
#include <iterator>
#include <ostream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/status.h"
#include "common/health/assess.h"
#include "common/health/load/load.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/object/yaml_writer.h"
#include "hub/cli/command.h"

namespace lockstep {
namespace {

constexpr int64_t kFileBytesMax = 3 << 20;  // SECURITY 2.4: one manifest file.

struct HealthFlags {
  std::string file;
  std::string rules;
  bool check = false;
};

struct Judged {
  std::string object;  // "Pod shop/web-1".
  HealthAssessment found;
};

absl::StatusOr<std::vector<Value>> ReadObjects(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    LOCKSTEP_ASSIGN_OR_RETURN(text, ReadFile(path, kFileBytesMax));
  }
  const std::string name = path == "-" ? "standard input" : path;
  absl::StatusOr<std::vector<Value>> read = ReadYaml(text, name);
  // A mistake in the file is no wrong usage.
  if (!read.ok()) return absl::FailedPreconditionError(read.status().message());
  std::vector<Value> objects;
  for (Value& document : *read) {
    if (document.IsNull()) continue;
    if (document.StringAt("apiVersion").empty() || document.StringAt("kind").empty()) {
      return absl::FailedPreconditionError(absl::StrCat(
          name, ":", document.place().line,
          ": it is no object: apiVersion or kind is missing; give what `kubectl get -o "
          "yaml` prints"));
    }
    Value* items = document.StringAt("kind") == "List" ? document.Find("items") : nullptr;
    if (items == nullptr || !items->IsArray()) {
      objects.push_back(std::move(document));
      continue;
    }
    for (Value& item : items->AsArray()) objects.push_back(std::move(item));
  }
  if (!objects.empty()) return objects;
  return absl::FailedPreconditionError(absl::StrCat(name, ": there is no object in it"));
}

std::string NameIn(const Value& object) {
  const Value* metadata = object.Find("metadata");
  if (metadata == nullptr) return std::string(object.StringAt("kind"));
  const absl::string_view name_space = metadata->StringAt("namespace");
  return absl::StrCat(object.StringAt("kind"), " ", name_space, name_space.empty() ? "" : "/",
                      metadata->StringAt("name"));
}

Value ToValue(const Judged& judged) {
  Object object;
  object.Set("object", Value::String(judged.object));
  object.Set("status", Value::String(HealthName(judged.found.health)));
  object.Set("message", Value::String(judged.found.message));
  object.Set("rule", Value::String(judged.found.judge));
  return Value::MakeObject(std::move(object));
}

// One object's record itself; several under `items`.
Value ToRecord(const std::vector<Judged>& all) {
  if (all.size() == 1) return ToValue(all.front());
  Value::Array items;
  for (const Judged& judged : all) items.push_back(ToValue(judged));
  Object object;
  object.Set("items", Value::MakeArray(std::move(items)));
  return Value::MakeObject(std::move(object));
}

// As `argocd admin settings resource-overrides health` prints one; a table of several.
std::string ToText(const std::vector<Judged>& all) {
  if (all.size() == 1) {
    const HealthAssessment& found = all.front().found;
    return absl::StrCat("STATUS:  ", HealthName(found.health),
                        "\nMESSAGE: ", ForTerminal(found.message),
                        "\nRULE:    ", ForTerminal(found.judge), "\n");
  }
  Table table({"OBJECT", "STATUS", "RULE", "MESSAGE"});
  for (const auto& [object, found] : all) {
    table.AddRow({object, std::string(HealthName(found.health)), found.judge, found.message});
  }
  return table.ToString();
}

absl::StatusOr<int> Judge(CommandContext& context, const HealthFlags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  if (format == OutputFormat::kName) {
    return absl::InvalidArgumentError("health has no --output name; use table, json or yaml");
  }
  HealthRules rules;
  if (!flags.rules.empty()) {
    absl::StatusOr<HealthRules> loaded = LoadHealthRules(flags.rules);
    if (!loaded.ok()) return absl::FailedPreconditionError(loaded.status().message());
    rules = *std::move(loaded);
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Value> objects, ReadObjects(flags.file));
  std::vector<Judged> all;
  bool healthy = true;
  bool broken = false;
  for (const Value& object : objects) {
    all.push_back({NameIn(object), AssessHealth(object, rules, context.Now())});
    healthy = healthy && all.back().found.health == Health::kHealthy;
    broken = broken || all.back().found.rule_failed;
  }
  if (format == OutputFormat::kJson) {
    context.out() << WriteJson(ToRecord(all)) << "\n";
  } else if (format == OutputFormat::kYaml) {
    context.out() << WriteYaml(ToRecord(all));
  } else {
    context.out() << ToText(all);
  }
  if (broken) return kExitFailed;
  return flags.check && !healthy ? kExitNotConverged : kExitDone;
}

}  // namespace

void AddHealthCommand(CommandSet* set) {
  auto flags = std::make_shared<HealthFlags>();
  CLI::App* app = set->Add("health", "judge how objects are, without a hub or a cluster",
                           [flags](CommandContext& context) { return Judge(context, *flags); });
  app->add_option("-f,--filename", flags->file, "file of objects; - for standard input")
      ->required();
  app->add_option("--rules", flags->rules, "folder of health rules, or an argocd-cm ConfigMap");
  app->add_flag("--check", flags->check, "end with 3 unless all are Healthy");
}

}  // namespace lockstep
