#include "hub/identity/context.h"

#include <cstdlib>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <yaml-cpp/yaml.h>

#include "common/base/file.h"
#include "common/base/status.h"

namespace lockstep {
namespace {

constexpr int64_t kFileBytesMax = 1 << 20;

absl::Status Bad(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", what));
}

absl::StatusOr<std::string> ReadText(const YAML::Node& map, const std::string& field) {
  const YAML::Node node = map[field];
  if (!node.IsDefined() || !node.IsScalar() || node.Scalar().empty()) {
    return Bad(field, "a text is needed");
  }
  return node.Scalar();
}

absl::StatusOr<std::vector<std::string>> ReadHubs(const YAML::Node& map) {
  const YAML::Node node = map["hubs"];
  std::vector<std::string> hubs;
  if (!node.IsDefined() || !node.IsSequence() || node.size() == 0) {
    return Bad("hubs", "a list of HOST:PORT is needed");
  }
  for (const YAML::Node& hub : node) {
    if (!hub.IsScalar()) return Bad("hubs", "a list of HOST:PORT is needed");
    hubs.push_back(hub.Scalar());
  }
  return hubs;
}

absl::StatusOr<Context> ReadContext(const YAML::Node& map) {
  if (!map.IsMap()) return Bad("contexts", "an entry is no mapping");
  Context context;
  LOCKSTEP_ASSIGN_OR_RETURN(context.name, ReadText(map, "name"));
  LOCKSTEP_ASSIGN_OR_RETURN(context.hubs, ReadHubs(map));
  LOCKSTEP_ASSIGN_OR_RETURN(context.user, ReadText(map, "user"));
  LOCKSTEP_ASSIGN_OR_RETURN(context.material.roots_pem, ReadText(map, "ca"));
  LOCKSTEP_ASSIGN_OR_RETURN(context.material.certificate_pem, ReadText(map, "certificate"));
  LOCKSTEP_ASSIGN_OR_RETURN(context.material.key_pem, ReadText(map, "key"));
  return context;
}

absl::StatusOr<ContextFile> ReadFields(const YAML::Node& root) {
  if (!root.IsMap()) return Bad("contexts", "the file is no mapping");
  ContextFile file;
  const YAML::Node contexts = root["contexts"];
  if (contexts.IsDefined() && !contexts.IsSequence()) return Bad("contexts", "a list is needed");
  for (const YAML::Node& entry : contexts) {
    LOCKSTEP_ASSIGN_OR_RETURN(Context context, ReadContext(entry));
    file.contexts.push_back(std::move(context));
  }
  if (!file.contexts.empty()) {
    LOCKSTEP_ASSIGN_OR_RETURN(file.current, ReadText(root, "current"));
  }
  return file;
}

// yaml-cpp throws; this is as far as that goes.
absl::StatusOr<ContextFile> Parse(const std::string& text) {
  try {
    return ReadFields(YAML::Load(text));
  } catch (const YAML::Exception& exception) {
    return absl::InvalidArgumentError(exception.what());
  }
}

std::string EnvironmentOr(const char* name, absl::string_view otherwise) {
  const char* value = getenv(name);
  return value == nullptr || *value == '\0' ? std::string(otherwise) : value;
}

}  // namespace

absl::StatusOr<Context> ContextFile::Find(absl::string_view name) const {
  const absl::string_view wanted = name.empty() ? absl::string_view(current) : name;
  std::vector<std::string> names;
  for (const Context& context : contexts) {
    if (context.name == wanted) return context;
    names.push_back(context.name);
  }
  if (names.empty())
    return absl::NotFoundError("there are no contexts; whoever runs a hub can make one");
  return absl::NotFoundError(
      absl::StrCat("there is no context \"", wanted, "\"; there are ", absl::StrJoin(names, ", ")));
}

std::string DefaultContextPath() {
  const std::string home = EnvironmentOr("HOME", ".");
  return EnvironmentOr("XDG_CONFIG_HOME", home + "/.config") + "/lockstep/config";
}

absl::StatusOr<ContextFile> LoadContextFile(const std::string& path) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kFileBytesMax));
  absl::StatusOr<ContextFile> file = Parse(text);
  if (!file.ok()) return Annotate(file.status(), absl::StrCat("context file \"", path, "\""));
  return file;
}

std::string FormatContextFile(const ContextFile& file) {
  YAML::Emitter out;
  out << YAML::BeginMap << YAML::Key << "current" << YAML::Value << file.current;
  out << YAML::Key << "contexts" << YAML::Value << YAML::BeginSeq;
  for (const Context& context : file.contexts) {
    out << YAML::BeginMap << YAML::Key << "name" << YAML::Value << context.name;
    out << YAML::Key << "hubs" << YAML::Value << YAML::Flow << context.hubs;
    out << YAML::Key << "user" << YAML::Value << context.user;
    out << YAML::Key << "ca" << YAML::Value << YAML::Literal << context.material.roots_pem;
    out << YAML::Key << "certificate" << YAML::Value << YAML::Literal
        << context.material.certificate_pem;
    out << YAML::Key << "key" << YAML::Value << YAML::Literal << context.material.key_pem;
    out << YAML::EndMap;
  }
  out << YAML::EndSeq << YAML::EndMap;
  return absl::StrCat(out.c_str(), "\n");
}

absl::Status SaveContextFile(const std::string& path, const ContextFile& file) {
  LOCKSTEP_RETURN_IF_ERROR(MakeDirectories(DirName(path), 0700));
  return WriteFileAtomic(path, FormatContextFile(file), Durability::kSynced, 0600);
}

absl::Status AddContext(const std::string& path, const Context& context, ExistingContext existing) {
  absl::StatusOr<ContextFile> file = LoadContextFile(path);
  if (absl::IsNotFound(file.status())) file = ContextFile();
  if (!file.ok()) return file.status();
  for (Context& present : file->contexts) {
    if (present.name != context.name) continue;
    if (existing == ExistingContext::kRefuse) {
      return absl::AlreadyExistsError(
          absl::StrCat("the context \"", context.name, "\" is in \"", path, "\" already"));
    }
    present = context;
    return SaveContextFile(path, *file);
  }
  if (file->contexts.empty()) file->current = context.name;
  file->contexts.push_back(context);
  return SaveContextFile(path, *file);
}

}  // namespace lockstep
