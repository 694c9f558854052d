#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep {

/// How the fields of resource types are merged: Kubernetes' merge keys and patch strategies.
///
/// A description is a graph of types, which may lead back to themselves; a walk holds a pointer
/// into it and goes down field by field, one lookup each. Immutable, so safe for concurrent
/// readers.
class MergeSchema {
 public:
  /// What is known of one place in a resource; null stands for a place of which nothing is.
  struct Type {
    absl::flat_hash_map<std::string, const Type*> fields;
    /// Of every field that `fields` does not name; null for none.
    const Type* other_fields = nullptr;
    /// Of a list's elements.
    const Type* elements = nullptr;
    /// A list whose elements are merged, rather than replaced as a whole.
    bool merges = false;
    /// What elements correspond by; empty for a list of scalars.
    std::vector<std::string> keys;

    /// The type of the field `name`; null where nothing is known of it.
    const Type* Field(absl::string_view name) const {
      const auto it = fields.find(name);
      return it != fields.end() ? it->second : other_fields;
    }
  };

  /// Whether objects of a type have a namespace, where a description says so.
  enum class Scope { kUnknown, kNamespaced, kCluster };

  /// Knows nothing.
  MergeSchema() = default;
  MergeSchema(MergeSchema&&) = default;
  MergeSchema& operator=(MergeSchema&&) = default;

  /// Kubernetes 1.21.2, as kustomize 5.8.1 has it built in; read at the first call. Says nothing of
  /// scopes.
  static const MergeSchema& BuiltIn();

  /// The types of an OpenAPI 2 document, as `openapi: {path: …}` of a kustomization names it:
  /// `definitions`, of which those with x-kubernetes-group-version-kind are resource types, and
  /// scopes from `paths`. A reference that leads nowhere is a place of which nothing is known.
  ///
  /// INVALID_ARGUMENT where `document` is no such thing; the message begins with `file` and names
  /// the definition.
  static absl::StatusOr<MergeSchema> FromOpenApi(const Value& document, absl::string_view file);

  /// The type of a resource; null for one that is not known. `api_version` is "GROUP/VERSION", or
  /// "VERSION" for the core group.
  const Type* Find(absl::string_view api_version, absl::string_view kind) const;

  Scope FindScope(absl::string_view api_version, absl::string_view kind) const;

 private:
  class OpenApiReader;

  /// From the table that schema/generate.py makes.
  static MergeSchema FromTable(absl::string_view table);
  void ReadScopes(const Value& document);
  Type* NewType();

  std::vector<std::unique_ptr<Type>> types_;
  // By kind, then by API version: a lookup makes no key.
  absl::flat_hash_map<std::string, absl::flat_hash_map<std::string, const Type*>> resources_;
  absl::flat_hash_map<std::string, absl::flat_hash_map<std::string, Scope>> scopes_;
};

}  // namespace lockstep
