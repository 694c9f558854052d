#include "common/render/resource/resource.h"

#include <utility>

#include <absl/container/flat_hash_set.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>

namespace lockstep::data {
extern const char kClusterScoped[];
}  // namespace lockstep::data

namespace lockstep::kustomize {
namespace {

using ApiKind = std::pair<absl::string_view, absl::string_view>;  // apiVersion, kind.

absl::flat_hash_set<ApiKind> ReadClusterScoped() {
  absl::flat_hash_set<ApiKind> kinds;
  for (const absl::string_view line : absl::StrSplit(data::kClusterScoped, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() == 2 && words[0] != "#") kinds.emplace(words[0], words[1]);
  }
  return kinds;
}

bool IsClusterScoped(absl::string_view api_version, absl::string_view kind) {
  static const auto& kinds = *new absl::flat_hash_set<ApiKind>(ReadClusterScoped());
  return kinds.contains({api_version, kind});
}

absl::string_view EffectiveNamespace(absl::string_view api_version, absl::string_view kind,
                                     absl::string_view space) {
  if (IsClusterScoped(api_version, kind)) return kNoNamespace;
  return space.empty() ? "default" : space;
}

absl::string_view TextAt(const Value& value, absl::string_view key) {
  const Value* const member = value.Find(key);
  return member == nullptr || member->IsNull() ? absl::string_view() : ScalarText(*member);
}

absl::string_view MetadataText(const Value& value, absl::string_view key) {
  const Value* const metadata = value.Find("metadata");
  return metadata == nullptr ? absl::string_view() : TextAt(*metadata, key);
}

Value& Mapping(absl::string_view key, Value* value) {
  Value* const there = value->Find(key);
  if (there != nullptr && there->IsObject()) return *there;
  return value->AsObject().Set(key, Value::MakeObject());
}

void SetMetadata(absl::string_view key, absl::string_view text, Value* value) {
  Mapping("metadata", value).AsObject().Set(key, Value::String(text));
}

}  // namespace

Gvk ParseApiVersion(absl::string_view api_version) {
  const size_t slash = api_version.find('/');
  if (slash == absl::string_view::npos) return {.version = api_version};
  return {.group = api_version.substr(0, slash), .version = api_version.substr(slash + 1)};
}

bool IsCertainlyClusterScoped(const Gvk& gvk) {
  if (gvk.group.empty()) return IsClusterScoped(gvk.version, gvk.kind);
  return IsClusterScoped(absl::StrCat(gvk.group, "/", gvk.version), gvk.kind);
}

std::string ResourceId::ToString() const {
  return absl::StrCat(gvk.group, gvk.group.empty() ? "" : "/", gvk.version, " ", gvk.kind, " ",
                      space == kNoNamespace ? "" : absl::StrCat(space, "/"), name);
}

absl::string_view ScalarText(const Value& value) {
  return value.IsString() ? absl::string_view(value.AsString()) : value.source_text();
}

Gvk GvkOf(const Value& value) {
  Gvk gvk = ParseApiVersion(TextAt(value, "apiVersion"));
  gvk.kind = TextAt(value, "kind");
  return gvk;
}

ResourceId IdOf(const Value& value) {
  const absl::string_view api_version = TextAt(value, "apiVersion");
  ResourceId id;
  id.gvk = GvkOf(value);
  id.name = MetadataText(value, "name");
  id.space = EffectiveNamespace(api_version, id.gvk.kind, NamespaceOf(value));
  return id;
}

absl::string_view NamespaceOf(const Value& value) { return MetadataText(value, "namespace"); }

Resource::Resource(const Resource& other)
    : value(other.value),
      former(other.former),
      prefixes(other.prefixes),
      suffixes(other.suffixes),
      behavior(other.behavior),
      needs_hash(other.needs_hash),
      allow_name_change(other.allow_name_change),
      allow_kind_change(other.allow_kind_change),
      vars(other.vars),
      file(other.file),
      origin(other.origin == nullptr ? nullptr : std::make_unique<Origin>(*other.origin)),
      transformations(other.transformations) {}

Resource& Resource::operator=(const Resource& other) {
  if (this != &other) *this = Resource(other);
  return *this;
}

bool Resource::IsEmpty() const { return !value.IsObject() || value.AsObject().empty(); }

ResourceId Resource::FormerId(size_t i) const {
  ResourceId id;
  id.gvk = ParseApiVersion(TextAt(value, "apiVersion"));
  id.gvk.kind = former[i].kind;
  id.name = former[i].name;
  id.space = former[i].space;
  return id;
}

std::vector<ResourceId> Resource::AllIds() const {
  std::vector<ResourceId> ids;
  ids.reserve(former.size() + 1);
  for (size_t i = 0; i < former.size(); ++i) ids.push_back(FormerId(i));
  ids.push_back(CurrentId());
  return ids;
}

bool Resource::HasOrHadId(const ResourceId& id) const {
  for (size_t i = 0; i < former.size(); ++i) {
    if (FormerId(i) == id) return true;
  }
  return CurrentId() == id;
}

void Resource::RememberId() {
  const ResourceId id = CurrentId();
  former.push_back({.space = std::string(id.space),
                    .name = std::string(id.name),
                    .kind = std::string(id.gvk.kind)});
}

void SetKind(absl::string_view kind, Value* value) {
  value->AsObject().Set("kind", Value::String(kind));
}

void SetName(absl::string_view name, Value* value) { SetMetadata("name", name, value); }

void SetNamespace(absl::string_view space, Value* value) {
  if (!space.empty()) return SetMetadata("namespace", space, value);
  Value* const metadata = value->Find("metadata");
  if (metadata != nullptr && metadata->IsObject()) metadata->AsObject().Remove("namespace");
}

void SetAnnotation(absl::string_view key, absl::string_view text, Value* value) {
  Mapping("annotations", &Mapping("metadata", value)).AsObject().Set(key, Value::String(text));
}

}  // namespace lockstep::kustomize
