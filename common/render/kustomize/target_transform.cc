#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/render/kustomize/origin.h"
#include "common/render/kustomize/patches.h"
#include "common/render/kustomize/plugins.h"
#include "common/render/kustomize/replacements.h"
#include "common/render/kustomize/target.h"
#include "common/render/kustomize/transformers.h"

// What a kustomization does to the objects that it has gathered.

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kValidatedBy = "validated-by";

// The objects without the label that a validator may set.
std::vector<Value> WithoutMark(const ResourceList& list) {
  std::vector<Value> values;
  for (const Resource& resource : list.items()) {
    values.push_back(resource.value);
    Value* const metadata = values.back().Find("metadata");
    Value* const labels = metadata == nullptr ? nullptr : metadata->Find("labels");
    if (labels == nullptr || !labels->IsObject() || !labels->AsObject().Remove(kValidatedBy)) {
      continue;
    }
    if (labels->AsObject().empty()) metadata->AsObject().Remove("labels");
  }
  return values;
}

}  // namespace

absl::Status Target::Step(absl::string_view kind, Place place, Accumulator* all,
                          absl::FunctionRef<absl::Status(ResourceList*)> run) {
  if (absl::Status status = run(&all->list); !status.ok()) {
    return place.line == 0 ? Annotate(status, session().Shown(kustomization_.file))
                           : session().At(place, status);
  }
  if (session().keeps_origins) {
    const absl::string_view path = kustomization_.file;
    RecordStep(OfBuiltIn(origin_, path.substr(path.rfind('/') + 1), kind), &all->list.items());
  }
  all->list.DropEmpty();
  return absl::OkStatus();
}

absl::Status Target::Transform(Accumulator* all) {
  const Kustomization& k = kustomization_;
  if (!k.patches_strategic_merge.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(
        Step("PatchStrategicMergeTransformer", k.patches_strategic_merge.front().place, all,
             [&](ResourceList* list) {
               return ApplyMergeEntries(k.patches_strategic_merge, *loader_, list);
             }));
  }
  for (const PatchEntry& patch : k.patches) {
    LOCKSTEP_RETURN_IF_ERROR(Step("PatchTransformer", patch.place, all, [&](ResourceList* list) {
      return ApplyPatch(patch, *loader_, list);
    }));
  }
  LOCKSTEP_RETURN_IF_ERROR(TransformNames(all));
  LOCKSTEP_RETURN_IF_ERROR(TransformLabels(all));
  LOCKSTEP_RETURN_IF_ERROR(TransformFields(all));
  return RunPlugins(all);
}

absl::Status Target::TransformNames(Accumulator* all) {
  const Kustomization& k = kustomization_;
  if (!k.space.empty()) {
    NamespaceSettings settings;
    settings.space = k.space;
    settings.specs = all->config->space;
    LOCKSTEP_RETURN_IF_ERROR(
        Step("NamespaceTransformer", k.space_place, all,
             [&](ResourceList* list) { return ApplyNamespace(settings, list); }));
  }
  if (!k.name_prefix.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(Step("PrefixTransformer", {}, all, [&](ResourceList* list) {
      return ApplyPrefix(k.name_prefix, all->config->name_prefix, list);
    }));
  }
  if (k.name_suffix.empty()) return absl::OkStatus();
  return Step("SuffixTransformer", {}, all, [&](ResourceList* list) {
    return ApplySuffix(k.name_suffix, all->config->name_suffix, list);
  });
}

absl::Status Target::TransformLabels(Accumulator* all) {
  const Kustomization& k = kustomization_;
  const TransformerConfig& config = *all->config;
  for (const LabelEntry& label : k.labels) {
    const auto apply = [&](ResourceList* list) -> absl::Status {
      FieldSpecs specs = label.fields;
      LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpecs(config.labels, &specs));
      if (label.include_selectors) {
        LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpecs(config.common_labels, &specs));
      } else {
        if (label.include_templates) {
          LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpecs(config.template_labels, &specs));
        }
        FieldSpec own;
        own.path = "metadata/labels";
        own.create = true;
        own.Split();
        LOCKSTEP_RETURN_IF_ERROR(MergeFieldSpec(own, &specs));
      }
      return ApplyTexts(label.pairs, specs, list);
    };
    LOCKSTEP_RETURN_IF_ERROR(Step("LabelTransformer", label.place, all, apply));
  }
  if (!k.labels.empty() || !k.common_labels.empty()) {
    LOCKSTEP_RETURN_IF_ERROR(Step("LabelTransformer", {}, all, [&](ResourceList* list) {
      return ApplyTexts(k.common_labels, config.common_labels, list);
    }));
  }
  if (k.common_annotations.empty()) return absl::OkStatus();
  return Step("AnnotationsTransformer", {}, all, [&](ResourceList* list) {
    return ApplyTexts(k.common_annotations, config.common_annotations, list);
  });
}

absl::Status Target::TransformFields(Accumulator* all) {
  const Kustomization& k = kustomization_;
  for (const PatchEntry& patch : k.patches_json) {
    LOCKSTEP_RETURN_IF_ERROR(
        Step("PatchJson6902Transformer", patch.place, all,
             [&](ResourceList* list) { return ApplyJsonEntry(patch, *loader_, list); }));
  }
  for (const ReplicaEntry& replica : k.replicas) {
    LOCKSTEP_RETURN_IF_ERROR(Step(
        "ReplicaCountTransformer", replica.place, all,
        [&](ResourceList* list) { return ApplyReplicas(replica, all->config->replicas, list); }));
  }
  for (const ImageEntry& image : k.images) {
    LOCKSTEP_RETURN_IF_ERROR(Step("ImageTagTransformer", image.place, all, [&](ResourceList* list) {
      return ApplyImages(image, all->config->images, list);
    }));
  }
  if (k.replacements.empty()) return absl::OkStatus();
  return Step(
      "ReplacementTransformer", k.replacements.front()->place(), all, [&](ResourceList* list) {
        return ApplyReplacements(k.replacements, Decoder::Strictness::kStrict, *loader_, list);
      });
}

absl::Status Target::RunPlugins(Accumulator* all) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Resource> plugins,
                            ReadPlugins(kustomization_.transformers));
  for (const Resource& plugin : plugins) {
    LOCKSTEP_RETURN_IF_ERROR(RunTransformer(plugin, "transformers", *loader_, &all->list));
    if (session().keeps_origins) RecordStep(OfPlugin(plugin), &all->list.items());
    all->list.DropEmpty();
  }
  return absl::OkStatus();
}

absl::Status Target::RunValidators(Accumulator* all) {
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<Resource> plugins,
                            ReadPlugins(kustomization_.validators));
  for (const Resource& plugin : plugins) {
    const std::vector<Value> before = WithoutMark(all->list);
    LOCKSTEP_RETURN_IF_ERROR(RunTransformer(plugin, "validators", *loader_, &all->list));
    if (WithoutMark(all->list) == before) continue;
    return session().Error(plugin.value.place(),
                           absl::StrCat("the validator ", GvkOf(plugin.value).kind,
                                        " changes objects; list it under transformers"));
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
