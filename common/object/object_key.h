#pragma once

#include <compare>
#include <string>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace lockstep {

/// What an object is called on one cluster. The API version is not part of it: an object that
/// changes its version is the same object. Ordered by group, kind, namespace, name, bytewise.
struct ObjectKey {
  std::string group;  // "" for the core group.
  std::string kind;   // Not empty.
  std::string
      namespace_;    // "" for cluster-scoped kinds, and where a kind of unknown scope names none.
  std::string name;  // Not empty.

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
  friend bool operator==(const ObjectKey&, const ObjectKey&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const ObjectKey& key) {
    return H::combine(std::move(state), key.group, key.kind, key.namespace_, key.name);
  }

  /// "Deployment.apps shop/web", "Namespace shop": for people.
  std::string ToString() const;
};

/// Checks the grammar of a key that came from outside: no empty kind or name, no control
/// characters, '/' or NUL in any part, at most 253 bytes each. INVALID_ARGUMENT says which part.
absl::Status CheckObjectKey(const ObjectKey& key);

}  // namespace lockstep
