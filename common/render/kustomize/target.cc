#include "common/render/kustomize/target.h"

#include <algorithm>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/kustomize/generators.h"
#include "common/render/kustomize/origin.h"
#include "common/render/kustomize/patches.h"
#include "common/render/kustomize/plugins.h"
#include "common/render/kustomize/vars.h"

// Where a kustomization gets its objects from; what it does to them is in target_transform.cc.

namespace lockstep::kustomize {
namespace {

absl::string_view FileName(absl::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

absl::Status Accumulator::Join(const Session& session, Accumulator other) {
  LOCKSTEP_RETURN_IF_ERROR(list.AppendAll(std::move(other.list.items())));
  LOCKSTEP_ASSIGN_OR_RETURN(config, MergeConfigs(config, other.config));
  return JoinVars(session, std::move(other.vars), &vars);
}

absl::StatusOr<std::unique_ptr<Target>> Target::Load(std::unique_ptr<Loader> loader, Origin origin,
                                                     Place from) {
  LOCKSTEP_ASSIGN_OR_RETURN(const Loader::KustomizationFile file, loader->ReadKustomization(from));
  std::unique_ptr<Target> target(new Target(std::move(loader), std::move(origin)));
  target->documents_ = file.documents;
  const Decoder decoder = target->session().MakeDecoder(Decoder::Strictness::kStrict);
  LOCKSTEP_ASSIGN_OR_RETURN(target->kustomization_,
                            DecodeKustomization((*file.documents)->front(), decoder, file.path));
  Session& session = target->session();
  for (const std::string& warning : target->kustomization_.warnings) {
    session.warnings.push_back(absl::StrCat(session.Shown(file.path), ": ", warning));
  }
  return target;
}

absl::Status Target::SetSchema() {
  const StringMap& openapi = kustomization_.openapi;
  if (session().HasOwnSchema() || openapi.empty()) return absl::OkStatus();
  const Place place = kustomization_.openapi_place;
  const auto path = openapi.find("path");
  const auto version = openapi.find("version");
  if (path != openapi.end()) {
    if (version != openapi.end()) {
      return session().Error(place, "openapi has both path and version; keep one of them");
    }
    const Text text = {path->second, place};
    LOCKSTEP_ASSIGN_OR_RETURN(const auto documents, loader_->ReadConfiguration(text));
    LOCKSTEP_ASSIGN_OR_RETURN(const std::string file, loader_->Resolve(text.text));
    const Value empty;
    absl::StatusOr<MergeSchema> schema = MergeSchema::FromOpenApi(
        (*documents)->empty() ? empty : (*documents)->front(), session().Shown(file));
    if (!schema.ok()) return session().At(place, schema.status());
    session().SetSchema(std::make_unique<MergeSchema>(*std::move(schema)));
    return absl::OkStatus();
  }
  if (version == openapi.end() || version->second.empty()) return absl::OkStatus();
  if (version->second != "v1.21.2") {
    return session().Error(place, absl::StrCat("openapi.version is \"", version->second,
                                               "\"; only v1.21.2 is built in"));
  }
  session().SetSchema(nullptr);
  return absl::OkStatus();
}

absl::Status Target::Accumulate(Accumulator* all) {
  LOCKSTEP_RETURN_IF_ERROR(AddEntries(kustomization_.resources, all));
  LOCKSTEP_RETURN_IF_ERROR(AddConfigurations(all));
  LOCKSTEP_RETURN_IF_ERROR(Generate(all));
  for (const Text& entry : kustomization_.components) {
    LOCKSTEP_RETURN_IF_ERROR(AddFolder(entry, true, all));
  }
  LOCKSTEP_RETURN_IF_ERROR(Transform(all));
  LOCKSTEP_RETURN_IF_ERROR(RunValidators(all));
  return AddVars(session(), kustomization_.vars, &all->list, &all->vars);
}

absl::Status Target::AddEntries(const std::vector<Text>& entries, Accumulator* all) {
  for (const Text& entry : entries) {
    LOCKSTEP_RETURN_IF_ERROR(loader_->IsFile(entry.text) ? AddFile(entry, all)
                                                         : AddFolder(entry, false, all));
    if (all->list.size() > session().options().limits.resources) {
      return session().At(entry.place, absl::ResourceExhaustedError(absl::StrCat(
                                           "more than ", session().options().limits.resources,
                                           " objects; split the kustomization")));
    }
  }
  return absl::OkStatus();
}

absl::Status Target::AddFile(const Text& entry, Accumulator* all) {
  LOCKSTEP_ASSIGN_OR_RETURN(const auto documents,
                            loader_->ReadObjects(entry, FileKind::kResources));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::string path, loader_->Resolve(entry.text));
  const std::string shown = session().Shown(path);
  all->list.items().reserve(all->list.size() + (*documents)->size());
  for (const Value& document : **documents) {
    Resource resource(document);
    resource.file = shown;
    if (session().keeps_origins) {
      resource.origin = std::make_unique<Origin>(Append(origin_, entry.text));
    }
    absl::Status status = all->list.Append(std::move(resource));
    if (!status.ok()) {
      return session().At(entry.place, Annotate(status, session().Describe(document.place())));
    }
  }
  return absl::OkStatus();
}

absl::Status Target::AddFolder(const Text& entry, bool component, Accumulator* all) {
  LOCKSTEP_ASSIGN_OR_RETURN(std::unique_ptr<Loader> loader, loader_->Enter(entry));
  LOCKSTEP_ASSIGN_OR_RETURN(const std::unique_ptr<Target> target,
                            Load(std::move(loader), Append(origin_, entry.text), entry.place));
  LOCKSTEP_RETURN_IF_ERROR(target->SetSchema());
  if (component != target->kustomization_.IsComponent()) {
    return session().Error(entry.place,
                           absl::StrCat(session().Shown(target->kustomization_.file), " is a ",
                                        target->kustomization_.kind, "; name it under ",
                                        component ? "resources" : "components"));
  }
  if (component) return target->Accumulate(all);
  Accumulator inner;
  LOCKSTEP_RETURN_IF_ERROR(target->Accumulate(&inner));
  const absl::Status status = all->Join(session(), std::move(inner));
  return status.ok() ? status : session().At(entry.place, status);
}

absl::Status Target::AddConfigurations(Accumulator* all) {
  const Decoder decoder = session().MakeDecoder(Decoder::Strictness::kNamesOnly);
  SharedConfig config = DefaultConfig();
  const auto add = [&](const std::vector<Text>& entries, auto decode) -> absl::Status {
    for (const Text& entry : entries) {
      LOCKSTEP_ASSIGN_OR_RETURN(const auto documents, loader_->ReadConfiguration(entry));
      if ((*documents)->empty()) continue;
      LOCKSTEP_ASSIGN_OR_RETURN(TransformerConfig more, decode((*documents)->front(), decoder));
      absl::StatusOr<SharedConfig> merged =
          MergeConfigs(config, std::make_shared<const TransformerConfig>(std::move(more)));
      if (!merged.ok()) return session().At(entry.place, merged.status());
      config = *std::move(merged);
    }
    return absl::OkStatus();
  };
  LOCKSTEP_RETURN_IF_ERROR(add(kustomization_.configurations, DecodeConfig));
  LOCKSTEP_RETURN_IF_ERROR(add(kustomization_.crds, ConfigOfCrds));
  absl::StatusOr<SharedConfig> merged = MergeConfigs(all->config, config);
  if (!merged.ok()) {
    return Annotate(merged.status(), session().Shown(kustomization_.file));
  }
  all->config = *std::move(merged);
  return absl::OkStatus();
}

absl::Status Target::Generate(Accumulator* all) {
  const absl::string_view name = FileName(kustomization_.file);
  const auto absorb = [&](Resource made, Place place, const Origin& step) {
    if (made.file.empty()) made.file = session().Shown(kustomization_.file);
    if (session().keeps_origins && made.origin == nullptr) {
      made.origin = std::make_unique<Origin>(step);
    }
    const absl::Status status = all->list.Absorb(std::move(made));
    return status.ok() ? status : session().At(place, status);
  };
  for (const GeneratedKind kind : {GeneratedKind::kConfigMap, GeneratedKind::kSecret}) {
    const bool secret = kind == GeneratedKind::kSecret;
    const Origin step = OfBuiltIn(origin_, name, secret ? "SecretGenerator" : "ConfigMapGenerator");
    for (const GeneratorEntry& entry :
         secret ? kustomization_.secrets : kustomization_.config_maps) {
      LOCKSTEP_ASSIGN_OR_RETURN(
          Resource made,
          kustomize::Generate(kind, entry, kustomization_.generator_options, *loader_));
      LOCKSTEP_RETURN_IF_ERROR(absorb(std::move(made), entry.place, step));
    }
  }
  if (kustomization_.helm) {
    return session().At(
        kustomization_.helm->place,
        absl::UnimplementedError(absl::StrCat(
            kustomization_.helm->text,
            " needs the helm program, which rendering does not run; keep what the chart makes in "
            "the tree")));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Resource> plugins,
                            ReadPlugins(kustomization_.generators));
  for (const Resource& plugin : plugins) {
    LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Resource> made,
                              RunGenerator(plugin, "generators", *loader_));
    for (Resource& each : made) {
      LOCKSTEP_RETURN_IF_ERROR(absorb(std::move(each), plugin.value.place(), OfPlugin(plugin)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Resource>> Target::ReadPlugins(const std::vector<Text>& entries) {
  Accumulator all;
  std::vector<Text> paths;
  for (const Text& entry : entries) {
    absl::StatusOr<std::shared_ptr<const FileCache::Documents>> documents =
        ReadInline(entry, *loader_);
    if (!documents.ok()) {
      if (absl::StrContains(entry.text, '\n')) return documents.status();
      paths.push_back(entry);
      continue;
    }
    for (const Value& document : ***documents) {
      Resource resource(document);
      resource.file = session().Shown(kustomization_.file);
      if (session().keeps_origins) {
        resource.origin = std::make_unique<Origin>(Append(origin_, FileName(kustomization_.file)));
      }
      const absl::Status status = all.list.Append(std::move(resource));
      if (!status.ok()) return session().At(entry.place, status);
    }
  }
  LOCKSTEP_RETURN_IF_ERROR(AddEntries(paths, &all));
  return std::move(all.list.items());
}

}  // namespace lockstep::kustomize
