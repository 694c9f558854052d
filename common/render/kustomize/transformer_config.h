#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/object/value.h"
#include "common/render/kustomize/decode.h"
#include "common/render/kustomize/field_spec.h"

namespace lockstep::kustomize {

/// A row of the table of name references: in which fields of which kinds objects of this one are
/// named.
struct NameReferenceRow {
  std::string group, version, kind;  // Of what is referred to.
  FieldSpecs referrers;

  Gvk gvk() const { return {group, version, kind}; }
};

/// Which fields transformers work on.
struct TransformerConfig {
  FieldSpecs name_prefix, name_suffix, space, common_labels, labels, template_labels,
      common_annotations, images, replicas, var_reference;
  std::vector<NameReferenceRow> name_reference;

  /// Adds what is not there yet, then sorts as kustomize does. INVALID_ARGUMENT for conflicts.
  absl::Status Merge(const TransformerConfig& more);
};

using SharedConfig = std::shared_ptr<const TransformerConfig>;

/// What is built in: field_specs.yaml.
const SharedConfig& DefaultConfig();

/// A `configurations` file.
absl::StatusOr<TransformerConfig> DecodeConfig(const Value& document, const Decoder& decoder);

/// Both: `a` where `b` adds nothing that is known to be in it. Either may be null.
absl::StatusOr<SharedConfig> MergeConfigs(const SharedConfig& a, const SharedConfig& b);

/// What a `crds` file (OpenAPI definitions by type name) adds.
absl::StatusOr<TransformerConfig> ConfigOfCrds(const Value& document, const Decoder& decoder);

}  // namespace lockstep::kustomize
