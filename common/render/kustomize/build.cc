#include "common/render/kustomize/build.h"

#include <algorithm>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/kustomize/name_reference.h"
#include "common/render/kustomize/order.h"
#include "common/render/kustomize/origin.h"
#include "common/render/kustomize/plugins.h"
#include "common/render/kustomize/session.h"
#include "common/render/kustomize/target.h"
#include "common/render/kustomize/transformers.h"
#include "common/render/kustomize/vars.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kOrigin = "config.kubernetes.io/origin";
constexpr absl::string_view kTransformations = "alpha.config.kubernetes.io/transformations";
constexpr absl::string_view kLocalConfig = "config.kubernetes.io/local-config";
constexpr absl::string_view kManagedBy = "app.kubernetes.io/managed-by";
constexpr absl::string_view kVersion = "kustomize-v5.8.1";  // The one whose output this is.

// Annotations that steps of a build leave for each other.
constexpr absl::string_view kOwn[] = {
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "internal.config.kubernetes.io/helm-generated",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
};

// Drops what only serves the build.
absl::Status DropLocal(ResourceList* list) {
  for (Resource& resource : list->items()) {
    const ResourceId id = resource.CurrentId();
    const bool named = !id.name.empty() || absl::EndsWith(id.gvk.kind, "List");
    if (id.gvk.kind.empty() || !named) {
      return OfObject(absl::InvalidArgumentError(
                          "after all changes the object has no kind or no metadata.name"),
                      resource);
    }
    const Value* const metadata = resource.value.Find("metadata");
    const Value* const annotations = metadata == nullptr ? nullptr : metadata->Find("annotations");
    const Value* const local = annotations == nullptr ? nullptr : annotations->Find(kLocalConfig);
    if (local != nullptr && ScalarText(*local) != "false") resource.value = Value();
  }
  list->DropEmpty();
  return absl::OkStatus();
}

absl::Status SortOutput(const Session& session, const Kustomization& k, ResourceList* list) {
  if (k.sort_options) {
    const absl::Status status = CheckSortOptions(*k.sort_options);
    if (!status.ok()) return session.At(k.sort_options->place, status);
    if (k.sort_options->order == "legacy") SortLegacy(&*k.sort_options, &list->items());
  } else if (session.options().reorder != BuildOptions::Reorder::kNone) {
    SortLegacy(nullptr, &list->items());
  }
  return absl::OkStatus();
}

void FinishAnnotations(const Kustomization& k, Resource* resource) {
  Value* metadata = resource->value.Find("metadata");
  if (metadata == nullptr || !metadata->IsObject()) {
    metadata = &resource->value.AsObject().Set("metadata", Value::MakeObject());
  }
  Value* const annotations = metadata->Find("annotations");
  if (annotations != nullptr && annotations->IsObject()) {
    Object& object = annotations->AsObject();
    for (const absl::string_view own : kOwn) object.Remove(own);
    object.Remove(kOrigin);
    object.Remove(kTransformations);
  }
  MakeTexts("annotations", metadata);
  if (k.AsksFor("originAnnotations") && resource->origin != nullptr) {
    SetAnnotation(kOrigin, OriginText(*resource->origin), &resource->value);
  }
  if (k.AsksFor("transformerAnnotations") && !resource->transformations.empty()) {
    SetAnnotation(kTransformations, TransformationsText(resource->transformations),
                  &resource->value);
  }
}

absl::Status AddManagedBy(ResourceList* list) {
  FieldSpec spec;
  spec.path = "metadata/labels";
  spec.create = true;
  spec.Split();
  return ApplyTexts({{std::string(kManagedBy), std::string(kVersion)}}, {spec}, list);
}

}  // namespace

absl::StatusOr<BuildResult> Build(const Snapshot& snapshot, absl::string_view path,
                                  const BuildOptions& options, FileCache* cache) {
  Session session(&snapshot, &options, cache);
  LOCKSTEP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Target> target,
      Target::Load(std::make_unique<Loader>(&session, std::string(path), nullptr), {}, {}));
  const Kustomization& k = target->kustomization();
  session.keeps_origins = !k.build_metadata.empty();
  LOCKSTEP_RETURN_IF_ERROR(target->SetSchema());
  Accumulator all;
  LOCKSTEP_RETURN_IF_ERROR(target->Accumulate(&all));
  AddNameHashes(&all.list);
  LOCKSTEP_RETURN_IF_ERROR(FixNameReferences(*all.config, &all.list));
  LOCKSTEP_RETURN_IF_ERROR(ResolveVars(session, all.vars, all.config->var_reference, &all.list));
  LOCKSTEP_RETURN_IF_ERROR(DropLocal(&all.list));
  LOCKSTEP_RETURN_IF_ERROR(SortOutput(session, k, &all.list));
  if (options.managed_by_label || k.AsksFor("managedByLabel")) {
    LOCKSTEP_RETURN_IF_ERROR(AddManagedBy(&all.list));
  }
  for (Resource& resource : all.list.items()) FinishAnnotations(k, &resource);
  return BuildResult{std::move(all.list.items()), std::move(session.warnings)};
}

}  // namespace lockstep::kustomize
