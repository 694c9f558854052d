#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/render/path.h"
#include "hub/fleet/selector.h"
#include "hub/remote/ref_spec.h"

namespace lockstep {

// The kinds of lockstep.dev/v1 as own types: checked, with every default filled in (convert.h makes
// them). docs/resources.md has an example of each.

enum class ResourceKind : uint8_t { kGitRepository, kApplication, kCluster, kSecret };

inline constexpr ResourceKind kResourceKinds[] = {ResourceKind::kGitRepository,
                                                  ResourceKind::kApplication,
                                                  ResourceKind::kCluster, ResourceKind::kSecret};

/// "GitRepository", …
absl::string_view KindName(ResourceKind kind);
/// By the exact name; nullopt for any other word.
std::optional<ResourceKind> KindFromName(absl::string_view name);
/// False for Cluster.
bool HasNamespace(ResourceKind kind);

/// Names a resource without its kind.
struct NamespacedName {
  std::string namespace_;  // "" for kinds without one.
  std::string name;

  friend auto operator<=>(const NamespacedName&, const NamespacedName&) = default;
  friend bool operator==(const NamespacedName&, const NamespacedName&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const NamespacedName& one) {
    return H::combine(std::move(state), one.namespace_, one.name);
  }
  /// "shop/web", or "eu-3" without a namespace.
  std::string ToString() const;
};

/// What a resource is called in the whole fleet.
struct ResourceKey {
  ResourceKind kind = ResourceKind::kGitRepository;
  std::string namespace_;  // "" for kinds without one.
  std::string name;

  friend auto operator<=>(const ResourceKey&, const ResourceKey&) = default;
  friend bool operator==(const ResourceKey&, const ResourceKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const ResourceKey& key) {
    return H::combine(std::move(state), key.kind, key.namespace_, key.name);
  }
  NamespacedName Name() const { return {namespace_, name}; }
  /// "Application shop/web".
  std::string ToString() const;
};

/// What every resource has. What the hub sets is 0, "" or infinite past where it has not.
struct Meta {
  std::string namespace_;  // "" for kinds without one.
  std::string name;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::string uid;
  int64_t generation = 0;
  absl::Time creation_time = absl::InfinitePast();
  absl::Time deletion_time = absl::InfinitePast();

  NamespacedName Name() const { return {namespace_, name}; }
  friend bool operator==(const Meta&, const Meta&) = default;
};

struct GitRepositorySpec {
  std::string url;
  GitRef ref;
  absl::Duration interval = absl::Minutes(1);
  absl::Duration timeout = absl::Seconds(60);
  std::string secret;                 // Name of a Secret in the same namespace; "" for none.
  std::optional<std::string> ignore;  // gitignore syntax.
  bool suspend = false;

  friend bool operator==(const GitRepositorySpec&, const GitRepositorySpec&) = default;
};

/// The union of the named and the selected clusters.
struct Placement {
  std::vector<std::string> clusters;      // Sorted, each once.
  std::optional<LabelSelector> selector;  // Absent selects none.

  friend bool operator==(const Placement&, const Placement&) = default;
};

enum class MissingPath : uint8_t { kError, kSkip };
enum class DeletionPolicy : uint8_t { kOrphan, kDelete };

struct ApplicationSpec {
  NamespacedName source;  // A GitRepository.
  PathTemplate path;
  MissingPath missing_path = MissingPath::kError;
  Placement placement;
  std::string default_namespace = "default";
  absl::Duration interval = absl::Minutes(10);
  bool prune = true;
  DeletionPolicy deletion_policy = DeletionPolicy::kOrphan;
  bool suspend = false;
  std::string service_account;  // In the application's namespace on a Kubernetes cluster.
  bool create_namespace = false;

  friend bool operator==(const ApplicationSpec&, const ApplicationSpec&) = default;
};

struct ClusterSpec {
  bool suspend = false;

  friend bool operator==(const ClusterSpec&, const ClusterSpec&) = default;
};

/// Values by key. Never logged, printed or sent to anyone; stored encrypted.
struct SecretData {
  std::map<std::string, std::string> values;

  friend bool operator==(const SecretData&, const SecretData&) = default;
};

struct GitRepository {
  static constexpr ResourceKind kKind = ResourceKind::kGitRepository;
  Meta meta;
  GitRepositorySpec spec;
  friend bool operator==(const GitRepository&, const GitRepository&) = default;
};

struct Application {
  static constexpr ResourceKind kKind = ResourceKind::kApplication;
  Meta meta;
  ApplicationSpec spec;
  friend bool operator==(const Application&, const Application&) = default;
};

struct Cluster {
  static constexpr ResourceKind kKind = ResourceKind::kCluster;
  Meta meta;
  ClusterSpec spec;
  friend bool operator==(const Cluster&, const Cluster&) = default;
};

struct Secret {
  static constexpr ResourceKind kKind = ResourceKind::kSecret;
  Meta meta;
  SecretData data;
  friend bool operator==(const Secret&, const Secret&) = default;
};

/// In the order of ResourceKind.
using Resource = std::variant<GitRepository, Application, Cluster, Secret>;

ResourceKey KeyOf(const Resource& resource);
const Meta& MetaOf(const Resource& resource);
Meta& MetaOf(Resource& resource);

}  // namespace lockstep
