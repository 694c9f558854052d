#include "common/render/kustomize/kustomization.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kVersion = "kustomize.config.k8s.io/v1beta1";
constexpr absl::string_view kComponentVersion = "kustomize.config.k8s.io/v1alpha1";

// A decoder of one item that also keeps where it stands.
template <typename T>
using ItemFields = Decoder::Fields (*)(const Decoder&, T*);

template <typename T>
Decoder::Decode Entries(const Decoder& decoder, std::vector<T>* out, ItemFields<T> fields) {
  return decoder.List<T>(out,
                         [&decoder, fields](const Value& value, const FieldPath& path, T* item) {
                           item->place = value.place();
                           return decoder.Object(value, path, fields(decoder, item));
                         });
}

Decoder::Decode FieldSpecList(const Decoder& decoder, FieldSpecs* out) {
  return decoder.List<FieldSpec>(
      out, [&decoder](const Value& value, const FieldPath& path, FieldSpec* spec) {
        return DecodeFieldSpec(decoder, value, path, spec);
      });
}

Decoder::Fields OptionsFields(const Decoder& decoder, GeneratorOptions* out) {
  return {{"labels", decoder.StringMap(&out->labels)},
          {"annotations", decoder.StringMap(&out->annotations)},
          {"disableNameSuffixHash", decoder.Bool(&out->disable_name_suffix_hash)},
          {"immutable", decoder.Bool(&out->immutable)}};
}

Decoder::Decode Options(const Decoder& decoder, std::optional<GeneratorOptions>* out) {
  return [&decoder, out](const Value& value, const FieldPath& path) {
    out->emplace();
    return decoder.Object(value, path, OptionsFields(decoder, &out->value()));
  };
}

Decoder::Fields ConfigMapFields(const Decoder& decoder, GeneratorEntry* out) {
  Decoder::Fields fields = GeneratorFields(decoder, out);
  fields.pop_back();  // `type` is a Secret's.
  return fields;
}

Decoder::Fields LabelFields(const Decoder& decoder, LabelEntry* out) {
  return {{"pairs", decoder.StringMap(&out->pairs)},
          {"includeSelectors", decoder.Bool(&out->include_selectors)},
          {"includeTemplates", decoder.Bool(&out->include_templates)},
          {"fields", FieldSpecList(decoder, &out->fields)}};
}

Decoder::Fields VarFields(const Decoder& decoder, VarEntry* out) {
  return {{"name", decoder.String(&out->name)},
          {"objref",
           [&decoder, out](const Value& value, const FieldPath& path) {
             std::string api_version;
             LOCKSTEP_RETURN_IF_ERROR(decoder.Object(value, path,
                                                     {{"apiVersion", decoder.String(&api_version)},
                                                      {"group", decoder.String(&out->group)},
                                                      {"version", decoder.String(&out->version)},
                                                      {"kind", decoder.String(&out->kind)},
                                                      {"name", decoder.String(&out->object_name)},
                                                      {"namespace", decoder.String(&out->space)}}));
             if (api_version.empty()) return absl::OkStatus();
             const Gvk gvk = ParseApiVersion(api_version);
             if (!gvk.group.empty()) out->group = std::string(gvk.group);
             out->version = std::string(gvk.version);
             return absl::OkStatus();
           }},
          {"fieldref", [&decoder, out](const Value& value, const FieldPath& path) {
             std::string field_path;
             LOCKSTEP_RETURN_IF_ERROR(
                 decoder.Object(value, path, {{"fieldPath", decoder.String(&field_path)}}));
             if (!field_path.empty()) out->field_path = std::move(field_path);
             return absl::OkStatus();
           }}};
}

Decoder::Decode Sort(const Decoder& decoder, std::optional<SortOptions>* out) {
  return [&decoder, out](const Value& value, const FieldPath& path) {
    SortOptions& options = out->emplace();
    options.place = value.place();
    return decoder.Object(
        value, path,
        {{"order", decoder.String(&options.order)},
         {"legacySortOptions",
          [&decoder, &options](const Value& legacy, const FieldPath& legacy_path) {
            options.has_legacy = true;
            return decoder.Object(legacy, legacy_path,
                                  {{"orderFirst", decoder.Strings(&options.first)},
                                   {"orderLast", decoder.Strings(&options.last)}});
          }}});
  };
}

Decoder::Decode Metadata(const Decoder& decoder) {
  return [&decoder](const Value& value, const FieldPath& path) {
    std::string unused;
    StringMap unused_map;
    return decoder.Object(value, path,
                          {{"name", decoder.String(&unused)},
                           {"namespace", decoder.String(&unused)},
                           {"labels", decoder.StringMap(&unused_map)},
                           {"annotations", decoder.StringMap(&unused_map)}});
  };
}

Decoder::Decode Helm(absl::string_view field, std::optional<Text>* out) {
  return [field, out](const Value& value, const FieldPath&) {
    const bool empty = value.IsArray() && value.AsArray().empty();
    if (!empty) *out = Text{std::string(field), value.place()};
    return absl::OkStatus();
  };
}

Decoder::Decode Ignore() {
  return [](const Value&, const FieldPath&) { return absl::OkStatus(); };
}

// What was spelled otherwise once.
struct Old {
  std::vector<Text> bases;
  std::vector<ImageEntry> images;
};

Decoder::Decode WithPlace(Decoder::Decode decode, Place* place) {
  return [decode = std::move(decode), place](const Value& value, const FieldPath& path) {
    *place = value.place();
    return decode(value, path);
  };
}

Decoder::Fields AllFields(const Decoder& decoder, Kustomization* k, Old* old) {
  return {
      {"apiVersion", decoder.String(&k->api_version)},
      {"kind", decoder.String(&k->kind)},
      {"metadata", Metadata(decoder)},
      {"openapi", WithPlace(decoder.StringMap(&k->openapi), &k->openapi_place)},
      {"namePrefix", decoder.String(&k->name_prefix)},
      {"nameSuffix", decoder.String(&k->name_suffix)},
      {"namespace", WithPlace(decoder.String(&k->space), &k->space_place)},
      {"commonLabels", decoder.StringMap(&k->common_labels)},
      {"labels", Entries(decoder, &k->labels, LabelFields)},
      {"commonAnnotations", decoder.StringMap(&k->common_annotations)},
      {"patchesStrategicMerge", decoder.Strings(&k->patches_strategic_merge)},
      {"patchesJson6902", Entries(decoder, &k->patches_json, PatchFields)},
      {"patches", Entries(decoder, &k->patches, PatchFields)},
      {"images", Entries(decoder, &k->images, ImageFields)},
      {"imageTags", Entries(decoder, &old->images, ImageFields)},
      {"replacements",
       decoder.List<const Value*>(&k->replacements,
                                  [](const Value& value, const FieldPath&, const Value** out) {
                                    *out = &value;
                                    return absl::OkStatus();
                                  })},
      {"replicas", Entries(decoder, &k->replicas, ReplicaFields)},
      {"vars", Entries(decoder, &k->vars, VarFields)},
      {"sortOptions", Sort(decoder, &k->sort_options)},
      {"resources", decoder.Strings(&k->resources)},
      {"components", decoder.Strings(&k->components)},
      {"crds", decoder.Strings(&k->crds)},
      {"bases", decoder.Strings(&old->bases)},
      {"configMapGenerator", Entries(decoder, &k->config_maps, ConfigMapFields)},
      {"secretGenerator", Entries(decoder, &k->secrets, GeneratorFields)},
      {"helmGlobals", Ignore()},
      {"helmCharts", Helm("helmCharts", &k->helm)},
      {"helmChartInflationGenerator", Helm("helmChartInflationGenerator", &k->helm)},
      {"generatorOptions", Options(decoder, &k->generator_options)},
      {"configurations", decoder.Strings(&k->configurations)},
      {"generators", decoder.Strings(&k->generators)},
      {"transformers", decoder.Strings(&k->transformers)},
      {"validators", decoder.Strings(&k->validators)},
      {"buildMetadata", decoder.Strings(&k->build_metadata)},
  };
}

void MoveOldSpellings(Old old, Kustomization* k) {
  const auto warn = [k](absl::string_view field, absl::string_view instead) {
    k->warnings.push_back(
        absl::StrCat("'", field, "' is deprecated. Please use '", instead, "' instead."));
  };
  if (!old.bases.empty()) warn("bases", "resources");
  if (!k->common_labels.empty()) warn("commonLabels", "labels");
  if (!old.images.empty()) warn("imageTags", "images");
  if (!k->patches_json.empty()) warn("patchesJson6902", "patches");
  if (!k->patches_strategic_merge.empty()) warn("patchesStrategicMerge", "patches");
  if (!k->vars.empty()) warn("vars", "replacements");
  std::move(old.bases.begin(), old.bases.end(), std::back_inserter(k->resources));
  std::move(old.images.begin(), old.images.end(), std::back_inserter(k->images));
  for (std::vector<GeneratorEntry>* entries : {&k->config_maps, &k->secrets}) {
    for (GeneratorEntry& entry : *entries) {
      if (!entry.env.text.empty()) entry.envs.push_back(std::move(entry.env));
    }
  }
}

// A member that says anything, beside apiVersion and kind.
bool SaysSomething(const Value& document) {
  if (!document.IsObject()) return false;
  return std::any_of(document.AsObject().begin(), document.AsObject().end(),
                     [](const Object::Member& member) {
                       if (member.key == "apiVersion" || member.key == "kind") return false;
                       const Value& value = member.value;
                       return !value.IsNull() && !(value.IsString() && value.AsString().empty());
                     });
}

}  // namespace

bool Kustomization::AsksFor(absl::string_view metadata) const {
  return std::any_of(build_metadata.begin(), build_metadata.end(),
                     [metadata](const Text& each) { return each.text == metadata; });
}

absl::Status DecodeSelector(const Decoder& decoder, const Value& value, const FieldPath& path,
                            SelectorSpec* out) {
  return decoder.Object(value, path,
                        {{"group", decoder.String(&out->group)},
                         {"version", decoder.String(&out->version)},
                         {"kind", decoder.String(&out->kind)},
                         {"name", decoder.String(&out->name)},
                         {"namespace", decoder.String(&out->space)},
                         {"labelSelector", decoder.String(&out->label_selector)},
                         {"annotationSelector", decoder.String(&out->annotation_selector)}});
}

absl::Status DecodeFieldSpec(const Decoder& decoder, const Value& value, const FieldPath& path,
                             FieldSpec* out) {
  LOCKSTEP_RETURN_IF_ERROR(decoder.Object(value, path,
                                          {{"group", decoder.String(&out->group)},
                                           {"version", decoder.String(&out->version)},
                                           {"kind", decoder.String(&out->kind)},
                                           {"path", decoder.String(&out->path)},
                                           {"create", decoder.Bool(&out->create)}}));
  out->Split();
  return absl::OkStatus();
}

Decoder::Fields GeneratorFields(const Decoder& decoder, GeneratorEntry* out) {
  return {
      {"namespace", decoder.String(&out->space)},   {"name", decoder.String(&out->name)},
      {"behavior", decoder.String(&out->behavior)}, {"literals", decoder.Strings(&out->literals)},
      {"files", decoder.Strings(&out->files)},      {"envs", decoder.Strings(&out->envs)},
      {"env", decoder.String(&out->env)},           {"options", Options(decoder, &out->options)},
      {"type", decoder.String(&out->type)}};
}

Decoder::Fields ImageFields(const Decoder& decoder, ImageEntry* out) {
  return {{"name", decoder.String(&out->name)},
          {"newName", decoder.String(&out->new_name)},
          {"newTag", decoder.String(&out->new_tag)},
          {"digest", decoder.String(&out->digest)},
          {"tagSuffix", decoder.String(&out->tag_suffix)}};
}

Decoder::Fields ReplicaFields(const Decoder& decoder, ReplicaEntry* out) {
  return {{"name", decoder.String(&out->name)}, {"count", decoder.Integer(&out->count)}};
}

Decoder::Fields PatchFields(const Decoder& decoder, PatchEntry* out) {
  return {{"path", decoder.String(&out->path)},
          {"patch", decoder.String(&out->patch)},
          {"target",
           [&decoder, out](const Value& value, const FieldPath& path) {
             return DecodeSelector(decoder, value, path, &out->target.emplace());
           }},
          {"options", [&decoder, out](const Value& value, const FieldPath& path) {
             return decoder.Object(value, path,
                                   {{"allowNameChange", decoder.Bool(&out->allow_name_change)},
                                    {"allowKindChange", decoder.Bool(&out->allow_kind_change)}});
           }}};
}

absl::StatusOr<Kustomization> DecodeKustomization(const Value& document, const Decoder& decoder,
                                                  absl::string_view file) {
  Kustomization k;
  k.file = std::string(file);
  Old old;
  LOCKSTEP_RETURN_IF_ERROR(decoder.Object(document, {}, AllFields(decoder, &k, &old)));
  MoveOldSpellings(std::move(old), &k);
  if (k.kind.empty()) k.kind = "Kustomization";
  if (!SaysSomething(document)) {
    return decoder.Error(document, "the kustomization is empty; name resources in it or remove it");
  }
  if (k.kind != "Kustomization" && !k.IsComponent()) {
    return decoder.Error(
        document, absl::StrCat("kind is \"", k.kind, "\"; it must be Kustomization or Component"));
  }
  const absl::string_view version = k.IsComponent() ? kComponentVersion : kVersion;
  if (k.api_version.empty()) k.api_version = std::string(version);
  if (k.api_version != version) {
    return decoder.Error(document, absl::StrCat("apiVersion of a ", k.kind, " must be ", version,
                                                ", not \"", k.api_version, "\""));
  }
  return k;
}

}  // namespace lockstep::kustomize
