#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "common/base/status.h"
#include "common/render/kustomize/transformer_config.h"

namespace lockstep::kustomize {
namespace {

constexpr size_t kDepthMax = 32;        // Types inside one another.
constexpr size_t kFieldsMax = 100'000;  // Looked at, each time counted.

// Walks the types of a `crds` file. Source: kustomize 5.8.1, loadconfigfromcrds.go.
class CrdReader {
 public:
  CrdReader(const Value& types, const Decoder& decoder) : types_(types), decoder_(decoder) {}

  absl::StatusOr<TransformerConfig> Read() {
    if (!types_.IsObject()) {
      return decoder_.Error(types_, "OpenAPI definitions by type name should stand here");
    }
    for (const Object::Member& type : types_.AsObject()) {
      const Value* const properties = PropertiesOf(type.key);
      if (properties == nullptr || properties->Find("kind") == nullptr ||
          properties->Find("apiVersion") == nullptr || properties->Find("metadata") == nullptr) {
        continue;
      }
      kind_ = type.key.substr(type.key.rfind('.') + 1);
      LOCKSTEP_RETURN_IF_ERROR(Walk(type.key));
    }
    return std::move(config_);
  }

 private:
  const Value* PropertiesOf(absl::string_view type) const {
    const Value* const found = types_.Find(type);
    const Value* schema = found == nullptr ? nullptr : found->Find("Schema");
    if (schema == nullptr && found != nullptr) schema = found->Find("schema");
    const Value* const properties = schema == nullptr ? nullptr : schema->Find("properties");
    return properties != nullptr && properties->IsObject() ? properties : nullptr;
  }

  FieldSpec SpecOf(std::vector<std::string> path) const {
    FieldSpec spec;
    spec.kind = kind_;
    spec.path = absl::StrJoin(path, "/");
    spec.Split();
    return spec;
  }

  absl::Status Walk(absl::string_view type) {
    const Value* const properties = PropertiesOf(type);
    if (properties == nullptr) return absl::OkStatus();
    if (path_.size() >= kDepthMax) {
      return decoder_.Error(*properties, absl::StrCat("types are more than ", kDepthMax,
                                                      " levels inside one another"));
    }
    for (const Object::Member& property : properties->AsObject()) {
      if (++fields_ > kFieldsMax) {
        return decoder_.Error(property.value,
                              absl::StrCat("the types have more than ", kFieldsMax, " fields"));
      }
      path_.push_back(property.key);
      LOCKSTEP_RETURN_IF_ERROR(ReadProperty(property.value));
      path_.pop_back();
    }
    return absl::OkStatus();
  }

  absl::Status ReadProperty(const Value& property) {
    const auto has = [&property](absl::string_view key) {
      const Value* const found = property.Find(key);
      return found != nullptr && found->IsString();
    };
    const FieldSpec spec = SpecOf(path_);
    if (has("x-kubernetes-annotation")) {
      LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpec(spec, &config_.common_annotations));
    }
    if (has("x-kubernetes-label-selector")) {
      LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpec(spec, &config_.common_labels));
    }
    if (has("x-kubernetes-identity")) {
      LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpec(spec, &config_.name_prefix));
    }
    if (has("x-kubernetes-object-ref-api-version") && has("x-kubernetes-object-ref-kind")) {
      TransformerConfig more;
      NameReferenceRow row;
      row.version = std::string(property.StringAt("x-kubernetes-object-ref-api-version"));
      row.kind = std::string(property.StringAt("x-kubernetes-object-ref-kind"));
      const absl::string_view key = property.StringAt("x-kubernetes-object-ref-name-key");
      std::vector<std::string> path = path_;
      path.emplace_back(key.empty() ? "name" : key);
      row.referrers.push_back(SpecOf(std::move(path)));
      more.name_reference.push_back(std::move(row));
      LOCKSTEP_RETURN_IF_ERROR(config_.Merge(more));
    }
    return has("$ref") ? Walk(property.StringAt("$ref")) : absl::OkStatus();
  }

  const Value& types_;
  const Decoder& decoder_;
  TransformerConfig config_;
  std::string kind_;
  std::vector<std::string> path_;
  size_t fields_ = 0;
};

}  // namespace

absl::StatusOr<TransformerConfig> ConfigOfCrds(const Value& document, const Decoder& decoder) {
  return CrdReader(document, decoder).Read();
}

}  // namespace lockstep::kustomize
