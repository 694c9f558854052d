#include "common/render/kustomize/transformer_config.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/object/yaml.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/order.h"

namespace lockstep::data {
extern const char kFieldSpecs[];
}  // namespace lockstep::data

namespace lockstep::kustomize {
namespace {

struct Section {
  absl::string_view name;
  FieldSpecs TransformerConfig::*specs;
};

constexpr std::array<Section, 10> kSections = {{
    {"namePrefix", &TransformerConfig::name_prefix},
    {"nameSuffix", &TransformerConfig::name_suffix},
    {"namespace", &TransformerConfig::space},
    {"commonLabels", &TransformerConfig::common_labels},
    {"labels", &TransformerConfig::labels},
    {"templateLabels", &TransformerConfig::template_labels},
    {"commonAnnotations", &TransformerConfig::common_annotations},
    {"images", &TransformerConfig::images},
    {"replicas", &TransformerConfig::replicas},
    {"varReference", &TransformerConfig::var_reference},
}};

template <typename T>
void Sort(std::vector<T>* specs) {
  std::stable_sort(specs->begin(), specs->end(),
                   [](const T& a, const T& b) { return GvkComesBefore(a.gvk(), b.gvk()); });
}

Decoder::Decode SpecList(const Decoder& decoder, FieldSpecs* out) {
  return decoder.List<FieldSpec>(
      out, [&decoder](const Value& value, const FieldPath& path, FieldSpec* spec) {
        return DecodeFieldSpec(decoder, value, path, spec);
      });
}

absl::Status MergeRow(const NameReferenceRow& row, std::vector<NameReferenceRow>* rows) {
  for (NameReferenceRow& there : *rows) {
    if (there.gvk() == row.gvk()) return MergeFieldSpecs(row.referrers, &there.referrers);
  }
  rows->push_back(row);
  return absl::OkStatus();
}

SharedConfig ReadDefault() {
  const absl::StatusOr<std::vector<Value>> read = ReadYaml(data::kFieldSpecs, "field_specs.yaml");
  const Decoder decoder(Decoder::Strictness::kStrict,
                        [](Place) { return std::string("field_specs.yaml"); });
  auto config =
      std::make_shared<TransformerConfig>(DecodeConfig(read.value().front(), decoder).value());
  (void)config->Merge({});  // Sorts; nothing can conflict.
  return config;
}

}  // namespace

absl::Status TransformerConfig::Merge(const TransformerConfig& more) {
  for (const Section& section : kSections) {
    absl::Status status = MergeFieldSpecs(more.*section.specs, &(this->*section.specs));
    if (!status.ok()) return Annotate(status, section.name);
    Sort(&(this->*section.specs));
  }
  for (const NameReferenceRow& row : more.name_reference) {
    LOCKSTEP_RETURN_IF_ERROR(Annotate(MergeRow(row, &name_reference), "nameReference"));
  }
  Sort(&name_reference);
  return absl::OkStatus();
}

const SharedConfig& DefaultConfig() {
  static const auto& config = *new SharedConfig(ReadDefault());
  return config;
}

absl::StatusOr<TransformerConfig> DecodeConfig(const Value& document, const Decoder& decoder) {
  TransformerConfig config;
  Decoder::Fields fields;
  for (const Section& section : kSections) {
    fields.push_back({section.name, SpecList(decoder, &(config.*section.specs))});
  }
  const auto row = [&decoder](const Value& value, const FieldPath& path, NameReferenceRow* out) {
    return decoder.Object(value, path,
                          {{"group", decoder.String(&out->group)},
                           {"version", decoder.String(&out->version)},
                           {"kind", decoder.String(&out->kind)},
                           {"fieldSpecs", SpecList(decoder, &out->referrers)}});
  };
  fields.push_back({"nameReference", decoder.List<NameReferenceRow>(&config.name_reference, row)});
  LOCKSTEP_RETURN_IF_ERROR(decoder.Object(document, {}, fields));
  return config;
}

absl::StatusOr<SharedConfig> MergeConfigs(const SharedConfig& a, const SharedConfig& b) {
  if (b == nullptr || a == b) return a;
  if (a == nullptr && b == DefaultConfig()) return b;
  // Also where `a` is nothing: of what `b` has, later rows may be covered by earlier ones.
  auto merged = std::make_shared<TransformerConfig>(a == nullptr ? TransformerConfig() : *a);
  LOCKSTEP_RETURN_IF_ERROR(merged->Merge(*b));
  return merged;
}

}  // namespace lockstep::kustomize
