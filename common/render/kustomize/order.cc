#include "common/render/kustomize/order.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>

namespace lockstep::kustomize {
namespace {

using Ranks = absl::flat_hash_map<std::string, int>;

constexpr absl::string_view kFirst[] = {"Namespace",
                                        "ResourceQuota",
                                        "StorageClass",
                                        "CustomResourceDefinition",
                                        "ServiceAccount",
                                        "PodSecurityPolicy",
                                        "Role",
                                        "ClusterRole",
                                        "RoleBinding",
                                        "ClusterRoleBinding",
                                        "ConfigMap",
                                        "Secret",
                                        "Endpoints",
                                        "Service",
                                        "LimitRange",
                                        "PriorityClass",
                                        "PersistentVolume",
                                        "PersistentVolumeClaim",
                                        "Deployment",
                                        "StatefulSet",
                                        "CronJob",
                                        "PodDisruptionBudget"};
constexpr absl::string_view kLast[] = {"MutatingWebhookConfiguration",
                                       "ValidatingWebhookConfiguration"};

template <typename First, typename Last, typename Name>
Ranks MakeRanks(const First& first, const Last& last, Name name) {
  Ranks ranks;
  const auto size = static_cast<int>(std::size(first));
  int index = 0;
  for (const auto& kind : first) ranks[name(kind)] = -size + index++;
  index = 0;
  for (const auto& kind : last) ranks[name(kind)] = 1 + index++;
  return ranks;
}

const Ranks& DefaultRanks() {
  static const auto& ranks = *new Ranks(
      MakeRanks(kFirst, kLast, [](absl::string_view kind) { return std::string(kind); }));
  return ranks;
}

int RankOf(const Ranks& ranks, absl::string_view kind) {
  const auto found = ranks.find(kind);
  return found == ranks.end() ? 0 : found->second;
}

absl::string_view Or(absl::string_view text, absl::string_view otherwise) {
  return text.empty() ? otherwise : text;
}

// Sorts the core group after all named ones.
std::string GvkText(const Gvk& gvk) {
  return absl::StrCat(Or(gvk.group, "~G"), "_", Or(gvk.version, "~V"), "_", Or(gvk.kind, "~K"));
}

struct Key {
  int rank;
  std::string gvk;
  std::string id;
  bool core_namespace;  // "Namespace" without a group.
  bool is_namespace;
};

Key KeyOf(const Ranks& ranks, const Resource& resource) {
  const ResourceId id = resource.CurrentId();
  const bool is_namespace = id.gvk.kind == "Namespace";
  return {.rank = RankOf(ranks, id.gvk.kind),
          .gvk = GvkText(id.gvk),
          .id = absl::StrCat(Or(id.gvk.kind, "[noKind]"), ".", Or(id.gvk.version, "[noVer]"), ".",
                             Or(id.gvk.group, "[noGrp]"), "|",
                             Or(NamespaceOf(resource.value), "~X"), "|", Or(id.name, "~N")),
          .core_namespace = is_namespace && id.gvk.group.empty(),
          .is_namespace = is_namespace};
}

bool ComesBefore(const Key& a, const Key& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.gvk != b.gvk) {
    const bool reversed =
        a.is_namespace && b.is_namespace && (a.core_namespace || b.core_namespace);
    return reversed ? a.gvk > b.gvk : a.gvk < b.gvk;
  }
  return a.id < b.id;
}

}  // namespace

bool GvkComesBefore(const Gvk& a, const Gvk& b) {
  const int rank_a = RankOf(DefaultRanks(), a.kind);
  const int rank_b = RankOf(DefaultRanks(), b.kind);
  if (rank_a != rank_b) return rank_a < rank_b;
  return GvkText(a) < GvkText(b);
}

void SortLegacy(const SortOptions* options, std::vector<Resource>* resources) {
  Ranks own;
  const bool has_own = options != nullptr && options->has_legacy;
  if (has_own) {
    own = MakeRanks(options->first, options->last, [](const Text& kind) { return kind.text; });
  }
  const Ranks& ranks = has_own ? own : DefaultRanks();
  std::vector<std::pair<Key, size_t>> keys;
  keys.reserve(resources->size());
  for (size_t i = 0; i < resources->size(); ++i)
    keys.emplace_back(KeyOf(ranks, (*resources)[i]), i);
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return ComesBefore(a.first, b.first); });
  std::vector<Resource> sorted;
  sorted.reserve(keys.size());
  for (const auto& [key, index] : keys) sorted.push_back(std::move((*resources)[index]));
  *resources = std::move(sorted);
}

absl::Status CheckSortOptions(const SortOptions& options) {
  if (options.order != "legacy" && options.order != "fifo") {
    return absl::InvalidArgumentError(
        absl::StrCat("sortOptions.order is \"", options.order, "\"; it must be legacy or fifo"));
  }
  if (options.order == "fifo" && options.has_legacy) {
    return absl::InvalidArgumentError(
        "sortOptions.legacySortOptions does not go with order fifo; remove one of the two");
  }
  return absl::OkStatus();
}

}  // namespace lockstep::kustomize
