#include "common/render/kustomize/transformers.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep::kustomize {
namespace {

constexpr absl::string_view kNamePath = "metadata/name";

absl::Status SetText(absl::string_view text, Value* value) {
  if (value->IsArray() || value->IsObject()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a text should stand there, not a ", value->TypeName()));
  }
  const Place place = value->place();
  *value = Value::String(text);
  value->set_place(place);
  return absl::OkStatus();
}

class NamespaceSetter {
 public:
  explicit NamespaceSetter(const NamespaceSettings& settings) : settings_(settings) {}

  absl::Status Apply(Resource* resource) const {
    Value* const value = &resource->value;
    const ResourceId id = resource->CurrentId();
    const bool cluster_scoped = id.space == kNoNamespace;
    const bool is_v1 = id.gvk.group.empty() && id.gvk.version == "v1";
    const bool binds = id.gvk.kind == "RoleBinding" || id.gvk.kind == "ClusterRoleBinding";
    const auto set = [this](Value* field) { return Set(field); };
    for (const FieldSpec& spec : settings_.specs) {
      if (!Applies(spec, GvkOf(*value)) || spec.path == "metadata/namespace") continue;
      if (spec.path == kNamePath && !is_v1) continue;
      if (binds && spec.path == "subjects/namespace") continue;
      LOCKSTEP_RETURN_IF_ERROR(VisitField(spec, CreateKind::kScalar, value, set));
    }
    if (binds) LOCKSTEP_RETURN_IF_ERROR(SetSubjects(value));
    if (cluster_scoped) return absl::OkStatus();
    static const FieldSpec& own = *new FieldSpec(OwnNamespace());
    return VisitField(own, CreateKind::kScalar, value, set);
  }

 private:
  using Subjects = NamespaceSettings::Subjects;

  static FieldSpec OwnNamespace() {
    FieldSpec spec;
    spec.path = "metadata/namespace";
    spec.create = true;
    spec.Split();
    return spec;
  }

  absl::Status Set(Value* field) const {
    if (settings_.unset_only && !ScalarText(*field).empty()) return absl::OkStatus();
    return SetText(settings_.space, field);
  }

  absl::Status SetSubjects(Value* value) const {
    Value* const subjects = value->Find("subjects");
    if (settings_.subjects == Subjects::kNone || subjects == nullptr || !subjects->IsArray()) {
      return absl::OkStatus();
    }
    for (Value& subject : subjects->AsArray()) {
      if (!subject.IsObject()) continue;
      const bool meant = settings_.subjects == Subjects::kDefaultOnly
                             ? subject.StringAt("name") == "default"
                             : subject.StringAt("kind") == "ServiceAccount";
      if (!meant) continue;
      Value* space = subject.Find("namespace");
      if (space == nullptr) space = &subject.AsObject().Set("namespace", Value());
      LOCKSTEP_RETURN_IF_ERROR(Set(space));
    }
    return absl::OkStatus();
  }

  const NamespaceSettings& settings_;
};

// Whose names stay, whatever prefixes say.
bool KeepsItsName(const Gvk& gvk) {
  return gvk.kind == "CustomResourceDefinition" || gvk.kind == "Namespace" ||
         (gvk.group == "apiregistration.k8s.io" && gvk.kind == "APIService");
}

enum class End { kFront, kBack };

absl::Status AddToName(absl::string_view text, End end, const FieldSpec& spec, Resource* resource) {
  if (!text.empty() && spec.path == kNamePath) {
    auto& recorded = end == End::kFront ? resource->prefixes : resource->suffixes;
    recorded.emplace_back(text);
    resource->RememberId();
  }
  if (!Applies(spec, GvkOf(resource->value))) return absl::OkStatus();
  return VisitField(spec, CreateKind::kScalar, &resource->value, [text, end](Value* value) {
    const absl::string_view old = ScalarText(*value);
    return SetText(end == End::kFront ? absl::StrCat(text, old) : absl::StrCat(old, text), value);
  });
}

absl::Status AddToNames(absl::string_view text, End end, const FieldSpecs& specs,
                        ResourceList* list) {
  for (Resource& resource : list->items()) {
    if (KeepsItsName(resource.OriginalId().gvk)) continue;
    for (const FieldSpec& spec : specs) {
      if (!Applies(spec, resource.OriginalId().gvk)) continue;
      LOCKSTEP_RETURN_IF_ERROR(OfObject(AddToName(text, end, spec, &resource), resource));
    }
  }
  list->Changed();
  return absl::OkStatus();
}

}  // namespace

absl::Status OfObject(const absl::Status& status, const Resource& resource) {
  if (status.ok()) return status;
  return Annotate(status, absl::StrCat(resource.file, resource.file.empty() ? "" : ": ",
                                       resource.CurrentId().ToString()));
}

Value NumberValue(int64_t number) {
  Value value = Value::Int(number);
  value.set_source_text(absl::AlphaNum(number).Piece());
  return value;
}

absl::Status ApplyNamespace(const NamespaceSettings& settings, ResourceList* list) {
  if (settings.space.empty()) return absl::OkStatus();
  const NamespaceSetter setter(settings);
  for (Resource& resource : list->items()) {
    resource.RememberId();
    LOCKSTEP_RETURN_IF_ERROR(OfObject(setter.Apply(&resource), resource));
  }
  list->Changed();
  return Annotate(list->CheckUnique(), absl::StrCat("in namespace ", settings.space));
}

absl::Status ApplyPrefix(absl::string_view prefix, const FieldSpecs& specs, ResourceList* list) {
  return AddToNames(prefix, End::kFront, specs, list);
}

absl::Status ApplySuffix(absl::string_view suffix, const FieldSpecs& specs, ResourceList* list) {
  return AddToNames(suffix, End::kBack, specs, list);
}

absl::Status ApplyTexts(const StringMap& texts, const FieldSpecs& specs, ResourceList* list) {
  if (texts.empty()) return absl::OkStatus();
  const auto set = [&texts](Value* map) {
    if (map->IsNull()) return absl::OkStatus();
    if (!map->IsObject()) {
      return absl::InvalidArgumentError(
          absl::StrCat("labels or annotations should stand there, not a ", map->TypeName()));
    }
    for (const auto& [key, text] : texts) map->AsObject().Set(key, Value::String(text));
    return absl::OkStatus();
  };
  for (Resource& resource : list->items()) {
    for (const FieldSpec& spec : specs) {
      if (!Applies(spec, GvkOf(resource.value))) continue;
      const absl::Status status = VisitField(spec, CreateKind::kMapping, &resource.value, set);
      LOCKSTEP_RETURN_IF_ERROR(OfObject(status, resource));
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyReplicas(const ReplicaEntry& entry, const FieldSpecs& specs, ResourceList* list) {
  bool found = false;
  for (const FieldSpec& spec : specs) {
    for (Resource& resource : list->items()) {
      const std::vector<ResourceId> ids = resource.AllIds();
      const bool meant = std::any_of(ids.begin(), ids.end(), [&](const ResourceId& id) {
        return id.name == entry.name && Applies(spec, id.gvk);
      });
      if (!meant) continue;
      found = true;
      if (!Applies(spec, GvkOf(resource.value))) continue;
      const absl::Status status =
          VisitField(spec, CreateKind::kScalar, &resource.value, [&entry](Value* value) {
            LOCKSTEP_RETURN_IF_ERROR(SetText("", value));
            *value = NumberValue(entry.count);
            return absl::OkStatus();
          });
      LOCKSTEP_RETURN_IF_ERROR(OfObject(status, resource));
    }
  }
  if (found) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("nothing that has replicas is called \"", entry.name, "\"; correct the name"));
}

}  // namespace lockstep::kustomize
