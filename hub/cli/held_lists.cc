#include "hub/cli/held_lists.h"

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>

#include "hub/cli/output.h"

namespace lockstep {
namespace {

constexpr size_t kClustersNamedMax = 20;

// Those with the same list, in the order of their first.
struct Group {
  const v1::HeldList* first = nullptr;
  std::vector<std::string> clusters;
};

std::vector<Group> GroupByDigest(const HeldListMessages& lists) {
  std::vector<Group> groups;
  std::map<std::string, size_t> known;
  for (const v1::HeldList& list : lists) {
    const auto [at, added] = known.emplace(list.digest(), groups.size());
    if (added) groups.push_back({&list, {}});
    groups[at->second].clusters.push_back(list.cluster());
  }
  return groups;
}

void PrintClusters(std::ostream& out, const std::vector<std::string>& clusters) {
  for (size_t i = 0; i < clusters.size() && i < kClustersNamedMax; ++i)
    out << (i == 0 ? "" : ", ") << clusters[i];
  if (clusters.size() > kClustersNamedMax)
    out << " and " << clusters.size() - kClustersNamedMax << " more clusters";
  out << ":\n";
}

}  // namespace

absl::StatusOr<int64_t> PrintHeldLists(std::ostream& out, const HeldListMessages& lists) {
  const std::vector<Group> groups = GroupByDigest(lists);
  for (const Group& group : groups) {
    if (group.first->objects_size() >= group.first->object_count()) continue;
    return absl::ResourceExhaustedError(absl::StrCat(
        "showing ", lists.size(), " lists of deletes: together they are too long, that of ",
        group.first->cluster(), " is left out; approve cluster by cluster with --cluster"));
  }
  int64_t objects = 0;
  for (const Group& group : groups) {
    PrintClusters(out, group.clusters);
    for (const std::string& object : group.first->objects())
      out << "  " << ForTerminal(object) << "\n";
    objects += static_cast<int64_t>(group.clusters.size()) * group.first->objects_size();
  }
  return objects;
}

HeldListMessages NameHeldLists(const HeldListMessages& lists) {
  HeldListMessages named;
  for (const v1::HeldList& list : lists) {
    v1::HeldList* name = named.Add();
    name->set_cluster(list.cluster());
    name->set_digest(list.digest());
  }
  return named;
}

}  // namespace lockstep
