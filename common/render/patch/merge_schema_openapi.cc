#include <absl/container/flat_hash_map.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/render/patch/merge_schema.h"

namespace lockstep {
namespace {

constexpr absl::string_view kGroupVersionKind = "x-kubernetes-group-version-kind";

/// What x-kubernetes-group-version-kind names; empty kind where it is no such thing.
std::pair<std::string, std::string> ReadTypeName(const Value& gvk) {
  const absl::string_view group = gvk.StringAt("group");
  const absl::string_view version = gvk.StringAt("version");
  return {group.empty() ? std::string(version) : absl::StrCat(group, "/", version),
          std::string(gvk.StringAt("kind"))};
}

bool IsArrayType(const Value& schema) {
  const Value* type = schema.Find("type");
  if (type == nullptr) return false;
  if (type->IsArray())
    return type->AsArray().size() == 1 && type->AsArray()[0] == Value::String("array");
  return *type == Value::String("array");
}

void ReadStrategy(const Value& schema, MergeSchema::Type* type) {
  for (absl::string_view strategy :
       absl::StrSplit(schema.StringAt("x-kubernetes-patch-strategy"), ',')) {
    if (strategy == "merge") type->merges = true;
  }
  if (const Value* keys = schema.Find("x-kubernetes-list-map-keys");
      keys != nullptr && keys->IsArray()) {
    for (const Value& key : keys->AsArray()) {
      if (key.IsString()) type->keys.push_back(key.AsString());
    }
  } else if (const absl::string_view key = schema.StringAt("x-kubernetes-patch-merge-key");
             !key.empty()) {
    type->keys.emplace_back(key);
  }
}

}  // namespace

/// Makes types of definitions. Nested schemas go as deep as the document, which has a limit.
class MergeSchema::OpenApiReader {
 public:
  OpenApiReader(MergeSchema* schema, const Object* definitions)
      : schema_(schema), definitions_(definitions) {}

  absl::Status Read(absl::string_view file) {
    if (definitions_ == nullptr) return absl::OkStatus();
    for (const auto& [name, definition] : *definitions_) {
      if (!definition.IsObject()) {
        return absl::InvalidArgumentError(absl::StrCat(
            file, ":", definition.place().line, ":", definition.place().column, ": definitions.",
            name, " is a ", definition.TypeName(), "; write a mapping"));
      }
      by_definition_[name] = schema_->NewType();
    }
    for (const auto& [name, definition] : *definitions_) {
      Type* type = by_definition_[name];
      Fill(definition, type);
      const Value* names = definition.Find(kGroupVersionKind);
      if (names == nullptr || !names->IsArray()) continue;
      for (const Value& gvk : names->AsArray()) {
        auto [api_version, kind] = ReadTypeName(gvk);
        schema_->resources_[kind][api_version] = type;
      }
    }
    return absl::OkStatus();
  }

 private:
  void Fill(const Value& schema, Type* type) {
    ReadStrategy(schema, type);
    if (const Value* properties = schema.Find("properties");
        properties != nullptr && properties->IsObject()) {
      for (const auto& [name, field] : properties->AsObject()) {
        type->fields[name] = Resolve(field);
      }
    }
    if (const Value* others = schema.Find("additionalProperties");
        others != nullptr && others->IsObject()) {
      type->other_fields = Resolve(*others);
    }
    if (const Value* items = schema.Find("items");
        items != nullptr && items->IsObject() && IsArrayType(schema)) {
      type->elements = Resolve(*items);
    }
  }

  /// The type of `schema`, or of the definition that it refers to; null where that leads nowhere.
  const Type* Resolve(const Value& schema) {
    if (!schema.IsObject()) return nullptr;
    if (schema.StringAt("$ref").empty()) {
      Type* type = schema_->NewType();
      Fill(schema, type);
      return type;
    }
    const Value* at = &schema;
    absl::string_view name;
    for (size_t steps = 0; !at->StringAt("$ref").empty(); ++steps) {
      constexpr size_t kChainMax = 100;  // Longer ones go in circles.
      name = at->StringAt("$ref");
      if (steps == kChainMax || !absl::ConsumePrefix(&name, "#/definitions/")) return nullptr;
      at = definitions_->Find(name);
      if (at == nullptr) return nullptr;
    }
    return by_definition_.find(name)->second;
  }

  MergeSchema* const schema_;
  const Object* const definitions_;
  absl::flat_hash_map<std::string, Type*> by_definition_;
};

MergeSchema::Type* MergeSchema::NewType() {
  types_.push_back(std::make_unique<Type>());
  return types_.back().get();
}

absl::StatusOr<MergeSchema> MergeSchema::FromOpenApi(const Value& document,
                                                     absl::string_view file) {
  if (!document.IsObject()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": an OpenAPI document is a mapping, this is a ", document.TypeName(),
                     "; see `definitions` of Kubernetes' own"));
  }
  const Value* definitions = document.Find("definitions");
  if (definitions != nullptr && !definitions->IsObject()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ":", definitions->place().line, ":", definitions->place().column,
                     ": definitions is a ", definitions->TypeName(), "; write a mapping"));
  }
  MergeSchema made;
  OpenApiReader reader(&made, definitions == nullptr ? nullptr : &definitions->AsObject());
  LOCKSTEP_RETURN_IF_ERROR(reader.Read(file));
  made.ReadScopes(document);
  return made;
}

void MergeSchema::ReadScopes(const Value& document) {
  const Value* paths = document.Find("paths");
  if (paths == nullptr || !paths->IsObject()) return;
  for (const auto& [path, methods] : paths->AsObject()) {
    const Value* get = methods.Find("get");
    const Value* gvk = get == nullptr ? nullptr : get->Find(kGroupVersionKind);
    if (gvk == nullptr) continue;
    auto [api_version, kind] = ReadTypeName(*gvk);
    Scope& scope = scopes_[kind][api_version];
    if (absl::StrContains(path, "namespaces/{namespace}")) {
      scope = Scope::kNamespaced;
    } else if (scope == Scope::kUnknown) {
      scope = Scope::kCluster;
    }
  }
}

}  // namespace lockstep
