#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include "common/render/kustomize/field_spec.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/resource_list.h"

namespace lockstep::kustomize {

// The transformers that need nothing but their settings. Messages name the object.

struct NamespaceSettings {
  enum class Subjects { kDefaultOnly, kAllServiceAccounts, kNone };

  std::string space;
  FieldSpecs specs;
  bool unset_only = false;
  Subjects subjects = Subjects::kDefaultOnly;  // Of (Cluster)RoleBindings.
};
absl::Status ApplyNamespace(const NamespaceSettings& settings, ResourceList* list);

absl::Status ApplyPrefix(absl::string_view prefix, const FieldSpecs& specs, ResourceList* list);
absl::Status ApplySuffix(absl::string_view suffix, const FieldSpecs& specs, ResourceList* list);

/// Labels or annotations: sets `texts` in the mappings at `specs`.
absl::Status ApplyTexts(const StringMap& texts, const FieldSpecs& specs, ResourceList* list);

/// INVALID_ARGUMENT where nothing is or was called that.
absl::Status ApplyReplicas(const ReplicaEntry& entry, const FieldSpecs& specs, ResourceList* list);

absl::Status ApplyImages(const ImageEntry& entry, const FieldSpecs& specs, ResourceList* list);

/// Puts a number at the place of another scalar.
Value NumberValue(int64_t number);

/// `status` with the object named in front.
absl::Status OfObject(const absl::Status& status, const Resource& resource);

}  // namespace lockstep::kustomize
