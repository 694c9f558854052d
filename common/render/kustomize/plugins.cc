#include "common/render/kustomize/plugins.h"

#include <string>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/kustomize/generators.h"
#include "common/render/kustomize/patches.h"
#include "common/render/kustomize/replacements.h"
#include "common/render/kustomize/transformers.h"
#include "common/render/kustomize/value_add.h"

namespace lockstep::kustomize {
namespace {

Decoder::Decode SpecList(const Decoder& decoder, FieldSpecs* out) {
  return decoder.List<FieldSpec>(
      out, [&decoder](const Value& value, const FieldPath& path, FieldSpec* spec) {
        return DecodeFieldSpec(decoder, value, path, spec);
      });
}

// One configured plugin.
class Plugin {
 public:
  Plugin(const Resource& configuration, absl::string_view field, const Loader& loader)
      : value_(configuration.value),
        file_(configuration.file),
        field_(field),
        loader_(loader),
        decoder_(loader.session().MakeDecoder(Decoder::Strictness::kLenient)) {}

  absl::StatusOr<std::vector<Resource>> Generate() {
    LOCKSTEP_RETURN_IF_ERROR(CheckBuiltIn());
    const std::string kind(GvkOf(value_).kind);
    if (kind == "ConfigMapGenerator") return GenerateMap(GeneratedKind::kConfigMap);
    if (kind == "SecretGenerator") return GenerateMap(GeneratedKind::kSecret);
    if (kind == "IAMPolicyGenerator") return GenerateIamPolicy();
    return Unknown(kind, "generator");
  }

  absl::Status Transform(ResourceList* list) {
    LOCKSTEP_RETURN_IF_ERROR(CheckBuiltIn());
    const std::string kind(GvkOf(value_).kind);
    if (kind == "HashTransformer") {
      AddNameHashes(list);
      return absl::OkStatus();
    }
    struct Known {
      absl::string_view kind;
      absl::Status (Plugin::*run)(ResourceList* list);
    };
    static constexpr Known kKnown[] = {
        {"AnnotationsTransformer", &Plugin::SetAnnotations},
        {"ImageTagTransformer", &Plugin::SetImage},
        {"LabelTransformer", &Plugin::SetLabels},
        {"NamespaceTransformer", &Plugin::SetNamespaces},
        {"PatchJson6902Transformer", &Plugin::PatchJson},
        {"PatchStrategicMergeTransformer", &Plugin::PatchStrategic},
        {"PatchTransformer", &Plugin::Patch},
        {"PrefixSuffixTransformer", &Plugin::AddPrefixAndSuffix},
        {"PrefixTransformer", &Plugin::AddPrefix},
        {"ReplacementTransformer", &Plugin::ReplaceFields},
        {"ReplicaCountTransformer", &Plugin::SetReplicas},
        {"SuffixTransformer", &Plugin::AddSuffix},
        {"ValueAddTransformer", &Plugin::AddValue},
    };
    for (const Known& known : kKnown) {
      if (known.kind != kind) continue;
      const absl::Status status = (this->*known.run)(list);
      return status.ok() ? status : Annotate(status, absl::StrCat(file_, ": the ", kind));
    }
    return Unknown(kind, "transformer");
  }

 private:
  absl::Status CheckBuiltIn() const {
    const Value* const api_version = value_.Find("apiVersion");
    const absl::string_view text = api_version == nullptr ? "" : ScalarText(*api_version);
    const std::string kind(GvkOf(value_).kind);
    if (kind == "HelmChartInflationGenerator") {
      return absl::UnimplementedError(
          absl::StrCat(Where(), "a HelmChartInflationGenerator in ", field_,
                       " needs the helm program, which rendering does not run; keep what the chart "
                       "makes in the tree"));
    }
    if (text == "builtin") return absl::OkStatus();
    return absl::UnimplementedError(absl::StrCat(
        Where(), "the ", text, " ", kind, " in ", field_,
        " is a function or plugin that would have to be run; only apiVersion builtin is there"));
  }

  std::string Where() const {
    return absl::StrCat(loader_.session().Describe(value_.place()), ": ");
  }

  absl::Status Unknown(absl::string_view kind, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(Where(), "no built-in ", what, " is called \"", kind, "\" (in ", field_, ")"));
  }

  absl::Status Decode(Decoder::Fields fields) const {
    return decoder_.Object(value_, {}, std::move(fields));
  }

  absl::StatusOr<std::vector<Resource>> GenerateMap(GeneratedKind kind) const {
    GeneratorEntry entry;
    entry.place = value_.place();
    std::string name;
    std::string space;
    Decoder::Fields fields = GeneratorFields(decoder_, &entry);
    fields.push_back({"metadata", [&](const Value& metadata, const FieldPath& path) {
                        return decoder_.Object(metadata, path,
                                               {{"name", decoder_.String(&name)},
                                                {"namespace", decoder_.String(&space)}});
                      }});
    LOCKSTEP_RETURN_IF_ERROR(Decode(std::move(fields)));
    if (entry.name.empty()) entry.name = name;
    if (entry.space.empty()) entry.space = space;
    LOCKSTEP_ASSIGN_OR_RETURN(Resource made,
                              kustomize::Generate(kind, entry, std::nullopt, loader_));
    std::vector<Resource> result;
    result.push_back(std::move(made));
    return result;
  }

  absl::StatusOr<std::vector<Resource>> GenerateIamPolicy() const {
    std::string cloud, name, space, account, project;
    LOCKSTEP_RETURN_IF_ERROR(
        Decode({{"cloud", decoder_.String(&cloud)},
                {"kubernetesService",
                 [&](const Value& value, const FieldPath& path) {
                   return decoder_.Object(
                       value, path,
                       {{"name", decoder_.String(&name)}, {"namespace", decoder_.String(&space)}});
                 }},
                {"serviceAccount", [&](const Value& value, const FieldPath& path) {
                   return decoder_.Object(value, path,
                                          {{"name", decoder_.String(&account)},
                                           {"projectId", decoder_.String(&project)}});
                 }}}));
    if (cloud != "gke") {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(), "the cloud \"", cloud, "\" is not known; only gke is"));
    }
    Resource made(Value::MakeObject());
    made.value.AsObject().Set("apiVersion", Value::String("v1"));
    made.value.AsObject().Set("kind", Value::String("ServiceAccount"));
    SetAnnotation("iam.gke.io/gcp-service-account",
                  absl::StrCat(account, "@", project, ".iam.gserviceaccount.com"), &made.value);
    SetName(name, &made.value);
    if (!space.empty()) SetNamespace(space, &made.value);
    std::vector<Resource> result;
    result.push_back(std::move(made));
    return result;
  }

  absl::Status SetTexts(absl::string_view field, ResourceList* list) {
    StringMap texts;
    FieldSpecs specs;
    LOCKSTEP_RETURN_IF_ERROR(
        Decode({{field, decoder_.StringMap(&texts)}, {"fieldSpecs", SpecList(decoder_, &specs)}}));
    return ApplyTexts(texts, specs, list);
  }
  absl::Status SetLabels(ResourceList* list) { return SetTexts("labels", list); }
  absl::Status SetAnnotations(ResourceList* list) { return SetTexts("annotations", list); }

  absl::Status SetImage(ResourceList* list) {
    ImageEntry entry;
    FieldSpecs specs;
    LOCKSTEP_RETURN_IF_ERROR(Decode({{"imageTag",
                                      [&](const Value& value, const FieldPath& path) {
                                        return decoder_.Object(value, path,
                                                               ImageFields(decoder_, &entry));
                                      }},
                                     {"fieldSpecs", SpecList(decoder_, &specs)}}));
    return ApplyImages(entry, specs, list);
  }

  absl::Status SetReplicas(ResourceList* list) {
    ReplicaEntry entry;
    FieldSpecs specs;
    LOCKSTEP_RETURN_IF_ERROR(Decode({{"replica",
                                      [&](const Value& value, const FieldPath& path) {
                                        return decoder_.Object(value, path,
                                                               ReplicaFields(decoder_, &entry));
                                      }},
                                     {"fieldSpecs", SpecList(decoder_, &specs)}}));
    return ApplyReplicas(entry, specs, list);
  }

  absl::Status SetNamespaces(ResourceList* list) {
    using Subjects = NamespaceSettings::Subjects;
    NamespaceSettings settings;
    std::string subjects;
    LOCKSTEP_RETURN_IF_ERROR(Decode(
        {{"metadata",
          [&](const Value& value, const FieldPath& path) {
            return decoder_.Object(value, path, {{"namespace", decoder_.String(&settings.space)}});
          }},
         {"fieldSpecs", SpecList(decoder_, &settings.specs)},
         {"unsetOnly", decoder_.Bool(&settings.unset_only)},
         {"setRoleBindingSubjects", decoder_.String(&subjects)}}));
    if (subjects == "allServiceAccounts") {
      settings.subjects = Subjects::kAllServiceAccounts;
    } else if (subjects == "none") {
      settings.subjects = Subjects::kNone;
    } else if (!subjects.empty() && subjects != "defaultOnly") {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(), "setRoleBindingSubjects is \"", subjects,
                       "\"; it must be defaultOnly, allServiceAccounts or none"));
    }
    return ApplyNamespace(settings, list);
  }

  absl::Status AddToNames(absl::string_view prefix_field, absl::string_view suffix_field,
                          ResourceList* list) {
    std::string prefix, suffix;
    FieldSpecs specs;
    bool has_specs = false;
    Decoder::Fields fields = {{"fieldSpecs", [&](const Value& value, const FieldPath& path) {
                                 has_specs = true;
                                 return SpecList(decoder_, &specs)(value, path);
                               }}};
    if (!prefix_field.empty()) fields.push_back({prefix_field, decoder_.String(&prefix)});
    if (!suffix_field.empty()) fields.push_back({suffix_field, decoder_.String(&suffix)});
    LOCKSTEP_RETURN_IF_ERROR(Decode(std::move(fields)));
    if (!has_specs) {
      return absl::InvalidArgumentError(absl::StrCat(Where(), "fieldSpecs is missing; add it"));
    }
    if (!prefix_field.empty()) LOCKSTEP_RETURN_IF_ERROR(ApplyPrefix(prefix, specs, list));
    if (!suffix_field.empty()) LOCKSTEP_RETURN_IF_ERROR(ApplySuffix(suffix, specs, list));
    return absl::OkStatus();
  }
  absl::Status AddPrefix(ResourceList* list) { return AddToNames("prefix", "", list); }
  absl::Status AddSuffix(ResourceList* list) { return AddToNames("", "suffix", list); }
  absl::Status AddPrefixAndSuffix(ResourceList* list) {
    return AddToNames("prefix", "suffix", list);
  }

  absl::Status Patch(ResourceList* list) {
    PatchEntry entry;
    entry.place = value_.place();
    LOCKSTEP_RETURN_IF_ERROR(Decode(PatchFields(decoder_, &entry)));
    return ApplyPatch(entry, loader_, list);
  }

  absl::Status PatchJson(ResourceList* list) {
    PatchEntry entry;
    entry.place = value_.place();
    Decoder::Fields fields = PatchFields(decoder_, &entry);
    fields.push_back({"jsonOp", decoder_.String(&entry.patch)});
    LOCKSTEP_RETURN_IF_ERROR(Decode(std::move(fields)));
    return ApplyJsonEntry(entry, loader_, list);
  }

  absl::Status PatchStrategic(ResourceList* list) {
    std::vector<Text> paths;
    Text patches;
    LOCKSTEP_RETURN_IF_ERROR(
        Decode({{"paths", decoder_.Strings(&paths)}, {"patches", decoder_.String(&patches)}}));
    if (!patches.text.empty()) paths.push_back(std::move(patches));
    return ApplyMergeEntries(paths, loader_, list);
  }

  absl::Status ReplaceFields(ResourceList* list) {
    std::vector<const Value*> entries;
    LOCKSTEP_RETURN_IF_ERROR(Decode(
        {{"replacements", decoder_.List<const Value*>(
                              &entries, [](const Value& value, const FieldPath&, const Value** to) {
                                *to = &value;
                                return absl::OkStatus();
                              })}}));
    return ApplyReplacements(entries, Decoder::Strictness::kLenient, loader_, list);
  }

  absl::Status AddValue(ResourceList* list) {
    return ApplyValueAdd(value_, decoder_, loader_, list);
  }

  const Value& value_;
  const std::string& file_;
  const absl::string_view field_;
  const Loader& loader_;
  const Decoder decoder_;
};

}  // namespace

absl::StatusOr<std::vector<Resource>> RunGenerator(const Resource& configuration,
                                                   absl::string_view field, const Loader& loader) {
  return Plugin(configuration, field, loader).Generate();
}

absl::Status RunTransformer(const Resource& configuration, absl::string_view field,
                            const Loader& loader, ResourceList* list) {
  return Plugin(configuration, field, loader).Transform(list);
}

void AddNameHashes(ResourceList* list) {
  for (Resource& resource : list->items()) {
    if (!resource.needs_hash) continue;
    const std::string name = absl::StrCat(resource.CurrentId().name, "-", NameHash(resource.value));
    resource.RememberId();
    SetName(name, &resource.value);
    list->Changed();
  }
}

}  // namespace lockstep::kustomize
