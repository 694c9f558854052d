#pragma once

#include <map>
#include <string>
#include <utility>

#include <absl/strings/string_view.h>

namespace lockstep {

enum class Scope { kNamespaced, kCluster, kUnknown };

/// The scope of a kind that Kubernetes itself serves (its released API groups up to 1.34), kUnknown
/// for any other. CRDs and aggregated APIs are not in it.
Scope BuiltInScope(absl::string_view group, absl::string_view kind);

/// Scopes that the CRDs of one application define.
class DefinedScopes {
 public:
  /// Later definitions of one kind win.
  void Define(absl::string_view group, absl::string_view kind, Scope scope);

  /// RESOURCES "Scope of an object": the built-in table, then a CRD of the same application, then
  /// unknown.
  Scope Of(absl::string_view group, absl::string_view kind) const;

 private:
  std::map<std::pair<std::string, std::string>, Scope> by_kind_;  // Group, kind.
};

}  // namespace lockstep
