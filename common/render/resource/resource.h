#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/string_view.h>

#include "common/object/value.h"

namespace lockstep::kustomize {

/// What the identity of a cluster-scoped object has for a namespace.
inline constexpr absl::string_view kNoNamespace = "_non_namespaceable_";

/// Group, version and kind of an object; where it selects, an empty field means any.
struct Gvk {
  absl::string_view group, version, kind;

  /// Whether `selector` selects this: equal in what it names.
  bool IsSelectedBy(const Gvk& selector) const {
    return (selector.group.empty() || selector.group == group) &&
           (selector.version.empty() || selector.version == version) &&
           (selector.kind.empty() || selector.kind == kind);
  }
  friend bool operator==(const Gvk&, const Gvk&) = default;
};

/// "apps/v1" → "apps", "v1"; "v1" → "", "v1". The kind stays empty.
Gvk ParseApiVersion(absl::string_view api_version);

/// Whether kustomize knows the kind for cluster-scoped: as Kubernetes 1.21 has it, in exactly the
/// versions that it has.
bool IsCertainlyClusterScoped(const Gvk& gvk);

/// What an object is called. Views into what it was taken from, valid until that changes anywhere.
struct ResourceId {
  Gvk gvk;
  absl::string_view name;
  absl::string_view space;  // Effective: "default" for none, kNoNamespace for cluster-scoped kinds.

  friend bool operator==(const ResourceId&, const ResourceId&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const ResourceId& id) {
    return H::combine(std::move(state), id.gvk.group, id.gvk.version, id.gvk.kind, id.name,
                      id.space);
  }
  /// "apps/v1 Deployment shop/web", for messages.
  std::string ToString() const;
};

/// Group, version and kind that a manifest states.
Gvk GvkOf(const Value& value);
/// The identity that a manifest states; empty fields where it states none.
ResourceId IdOf(const Value& value);
/// metadata.namespace as it is written.
absl::string_view NamespaceOf(const Value& value);

/// The text of a scalar as it was written: a string's content, "1.10", "True"; "" for lists,
/// mappings and what was never written.
absl::string_view ScalarText(const Value& value);

/// A name that an object had, and the namespace (effective) and kind that it had then. Group and
/// version are those it has now, as in kustomize.
struct FormerName {
  std::string space, name, kind;
};

enum class Behavior : uint8_t { kUnspecified, kCreate, kReplace, kMerge };

/// Where an object came from, as buildMetadata shows it.
struct Origin {
  std::string path, repo, ref;
  std::string configured_in;
  std::string by_api_version, by_kind, by_name, by_namespace;  // configuredBy
};

/// One object in the making, and what kustomize remembers of it beside its content.
struct Resource {
  Value value;

  std::vector<FormerName> former;  // Oldest first.
  std::vector<std::string> prefixes, suffixes;
  Behavior behavior = Behavior::kUnspecified;  // Of a generated one.
  bool needs_hash = false;
  // Of a patch: what it may change of its target.
  bool allow_name_change = false;
  bool allow_kind_change = false;
  std::vector<std::string> vars;  // Names of those that read from this.
  std::string file;  // Of the snapshot that it was read from or configured in; for messages.

  std::unique_ptr<Origin> origin;  // Where buildMetadata asks for it.
  std::vector<std::shared_ptr<const Origin>> transformations;

  Resource() = default;
  explicit Resource(Value content) : value(std::move(content)) {}
  Resource(Resource&&) noexcept = default;
  Resource& operator=(Resource&&) noexcept = default;
  /// Deep.
  Resource(const Resource& other);
  Resource& operator=(const Resource& other);
  ~Resource() = default;

  /// Nothing is left of it: it is dropped after the step that emptied it.
  bool IsEmpty() const;
  ResourceId CurrentId() const { return IdOf(value); }
  /// The one of former[i].
  ResourceId FormerId(size_t i) const;
  /// The oldest; the current one where it was never renamed.
  ResourceId OriginalId() const { return former.empty() ? CurrentId() : FormerId(0); }
  /// Former ones, oldest first, then the current one.
  std::vector<ResourceId> AllIds() const;
  /// Whether any of AllIds() is `id`.
  bool HasOrHadId(const ResourceId& id) const;
  /// To be called before the name, namespace or kind may change.
  void RememberId();
};

// Changes of metadata in place. The value must be a mapping.
void SetKind(absl::string_view kind, Value* value);
void SetName(absl::string_view name, Value* value);
/// An empty one removes the field.
void SetNamespace(absl::string_view space, Value* value);
/// Sets one annotation, making the map where there is none.
void SetAnnotation(absl::string_view key, absl::string_view text, Value* value);

}  // namespace lockstep::kustomize
