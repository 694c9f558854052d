#include <map>
#include <memory>
#include <ostream>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/object/json.h"
#include "common/object/yaml.h"
#include "common/render/disk/disk_snapshot.h"
#include "hub/cli/command.h"
#include "hub/cli/render_flags.h"
#include "hub/cli/render_tree.h"

namespace lockstep {
namespace {

struct Flags {
  RenderFlags build;
  std::string root = ".";
};

/// Whether a folder holds a component, which is judged where it is used.
bool IsComponent(const Snapshot& snapshot, absl::string_view folder) {
  for (const char* name : {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    const YamlLimits limits;
    const auto content = snapshot.ReadFile(absl::StrCat(folder, "/", name), limits.bytes);
    if (!content.ok()) continue;
    const absl::StatusOr<std::vector<Value>> documents = ReadYaml(**content, name, limits);
    return documents.ok() && !documents->empty() && (*documents)[0].StringAt("kind") == "Component";
  }
  return false;
}

struct Problem {
  std::vector<std::string> folders;  // That cannot be rendered because of it.
};

Value ToValue(const std::string& message, const Problem& problem) {
  Value value = Value::MakeObject();
  value.AsObject().Set("message", Value::String(message));
  Value::Array folders;
  for (const std::string& folder : problem.folders) folders.push_back(Value::String(folder));
  value.AsObject().Set("kustomizations", Value::MakeArray(std::move(folders)));
  return value;
}

void PrintText(const std::map<std::string, Problem>& problems, std::ostream& out) {
  for (const auto& [message, problem] : problems) {
    out << ForTerminal(message);
    if (problem.folders.size() > 1) {
      out << " (in " << problem.folders.size() << " kustomizations, such as "
          << ForTerminal(problem.folders[0]) << ")";
    }
    out << "\n";
  }
}

absl::StatusOr<int> Validate(CommandContext& context, const Flags& flags) {
  LOCKSTEP_ASSIGN_OR_RETURN(const OutputFormat format, context.Output());
  LOCKSTEP_ASSIGN_OR_RETURN(const kustomize::BuildOptions options, flags.build.ToOptions());
  LOCKSTEP_ASSIGN_OR_RETURN(const RenderPlace place, OpenRenderPlace(flags.root));
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<std::string> folders,
                            FindKustomizations(*place.snapshot, place.path));
  std::erase_if(folders, [&place](const std::string& folder) {
    return IsComponent(*place.snapshot,
                       absl::StrCat(place.path, folder.empty() ? "" : "/", folder));
  });
  TreeRenderer renderer(place.snapshot.get(), place.path, options);
  const auto refused = renderer.Render(
      folders, [](const std::string&, const std::string&) { return absl::OkStatus(); },
      [](size_t) {});
  std::map<std::string, Problem> problems;
  for (const auto& [folder, why] : refused) {
    for (absl::string_view line : absl::StrSplit(why.message(), '\n', absl::SkipWhitespace())) {
      problems[FromHere(line)].folders.push_back(folder.empty() ? "." : folder);
    }
  }
  if (format == OutputFormat::kJson) {
    Value::Array list;
    for (const auto& [message, problem] : problems) list.push_back(ToValue(message, problem));
    Value record = Value::MakeObject();
    record.AsObject().Set("kustomizations", Value::Int(static_cast<int64_t>(folders.size())));
    record.AsObject().Set("problems", Value::MakeArray(std::move(list)));
    context.out() << WriteJson(record) << "\n";
  } else {
    PrintText(problems, context.out());
  }
  context.talk() << "kustomizations: " << folders.size() << ", problems: " << problems.size()
                 << "\n";
  return problems.empty() ? kExitDone : kExitFailed;
}

}  // namespace

void AddValidateCommand(CommandSet* set) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = set->Add("validate", "find what is wrong in a tree of kustomizations, offline",
                           [flags](CommandContext& context) { return Validate(context, *flags); });
  app->add_option("ROOT", flags->root, "folder whose kustomizations are built");
  flags->build.AddTo(app);
}

}  // namespace lockstep
