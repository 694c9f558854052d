#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"
#include "common/render/kustomize/decode.h"
#include "common/render/kustomize/field_spec.h"
#include "common/render/resource/selector.h"

namespace lockstep::kustomize {

using StringMap = std::map<std::string, std::string>;

/// An entry of `labels`.
struct LabelEntry {
  StringMap pairs;
  bool include_selectors = false;
  bool include_templates = false;
  FieldSpecs fields;
  Place place;
};

/// An entry of `patches` or `patchesJson6902`, or the configuration of such a transformer.
struct PatchEntry {
  Text path, patch;
  std::optional<SelectorSpec> target;
  bool allow_name_change = false;
  bool allow_kind_change = false;
  Place place;
};

/// An entry of `images`.
struct ImageEntry {
  std::string name, new_name, new_tag, digest, tag_suffix;
  Place place;
};

/// An entry of `replicas`.
struct ReplicaEntry {
  std::string name;
  int64_t count = 0;
  Place place;
};

/// An entry of `vars`.
struct VarEntry {
  std::string name;
  std::string group, version, kind, object_name, space;  // objref
  std::string field_path = "metadata.name";
  Place place;
};

struct GeneratorOptions {
  StringMap labels, annotations;
  bool disable_name_suffix_hash = false;
  bool immutable = false;
};

/// An entry of `configMapGenerator` or `secretGenerator`.
struct GeneratorEntry {
  std::string name, space, behavior, type;
  std::vector<Text> literals, files, envs;
  Text env;
  std::optional<GeneratorOptions> options;
  Place place;
};

struct SortOptions {
  std::string order;
  bool has_legacy = false;
  std::vector<Text> first, last;
  Place place;
};

/// A kustomization file, decoded, old spellings moved to the new ones.
struct Kustomization {
  std::string file;  // In the snapshot.

  std::string api_version, kind;
  StringMap openapi;
  Place openapi_place;
  std::string name_prefix, name_suffix, space;
  Place space_place;
  StringMap common_labels, common_annotations;
  std::vector<LabelEntry> labels;
  std::vector<Text> patches_strategic_merge;
  std::vector<PatchEntry> patches_json, patches;
  std::vector<ImageEntry> images;
  std::vector<const Value*> replacements;  // In the document.
  std::vector<ReplicaEntry> replicas;
  std::vector<VarEntry> vars;
  std::optional<SortOptions> sort_options;
  std::vector<Text> resources, components, crds, configurations;
  std::vector<Text> generators, transformers, validators;
  std::vector<GeneratorEntry> config_maps, secrets;
  std::optional<GeneratorOptions> generator_options;
  std::vector<Text> build_metadata;
  /// helmCharts or what stands for it: what cannot be had natively.
  std::optional<Text> helm;

  std::vector<std::string> warnings;  // Of old spellings.

  bool IsComponent() const { return kind == "Component"; }
  bool AsksFor(absl::string_view metadata) const;
};

/// Decodes a kustomization's document, strictly. `document` must outlive the result.
///
/// INVALID_ARGUMENT for what kustomize refuses: an unknown field (with the nearest known one), a
/// value of another type, another kind or apiVersion, nothing in it.
absl::StatusOr<Kustomization> DecodeKustomization(const Value& document, const Decoder& decoder,
                                                  absl::string_view file);

// Parts of it that configured transformers and generators have too.
absl::Status DecodeSelector(const Decoder& decoder, const Value& value, const FieldPath& path,
                            SelectorSpec* out);
absl::Status DecodeFieldSpec(const Decoder& decoder, const Value& value, const FieldPath& path,
                             FieldSpec* out);
Decoder::Fields GeneratorFields(const Decoder& decoder, GeneratorEntry* out);
Decoder::Fields ImageFields(const Decoder& decoder, ImageEntry* out);
Decoder::Fields ReplicaFields(const Decoder& decoder, ReplicaEntry* out);
Decoder::Fields PatchFields(const Decoder& decoder, PatchEntry* out);

}  // namespace lockstep::kustomize
