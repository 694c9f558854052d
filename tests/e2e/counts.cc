#include "tests/e2e/counts.h"

#include <absl/strings/str_cat.h>

#include "common/base/status.h"

namespace lockstep {
namespace {

std::map<std::string, int64_t> Grown(const std::map<std::string, int64_t>& before,
                                     const std::map<std::string, int64_t>& after) {
  std::map<std::string, int64_t> grown;
  for (const auto& [cluster, value] : after) {
    const auto was = before.find(cluster);
    const int64_t by = value - (was == before.end() ? 0 : was->second);
    if (by != 0) grown[cluster] = by;
  }
  return grown;
}

void CompareFiles(const std::string& cluster, std::map<std::string, std::string> before,
                  const std::map<std::string, std::string>& after, Change* change) {
  for (const auto& [path, write] : after) {
    const auto was = before.find(path);
    if (was == before.end() || was->second != write) ++change->written[cluster];
    if (was != before.end()) before.erase(was);
  }
  if (!before.empty()) change->gone[cluster] = static_cast<int64_t>(before.size());
}

}  // namespace

absl::StatusOr<Count> CountNow(Fleet& fleet, const std::vector<std::string>& clusters) {
  Count now;
  LOCKSTEP_ASSIGN_OR_RETURN(
      now.sent, fleet.HubMetric("lockstep_hub_messages_sent_total{message=\"desired\"}"));
  for (const std::string& cluster : clusters) {
    LOCKSTEP_ASSIGN_OR_RETURN(now.desired[cluster],
                              fleet.AgentMetric(cluster, "lockstep_agent_desired_received_total"));
    LOCKSTEP_ASSIGN_OR_RETURN(
        now.writes[cluster],
        fleet.AgentMetric(cluster, "lockstep_agent_writes_total{result=\"applied\"}"));
    now.files[cluster] = TargetWrites(fleet.target(cluster));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<v1::Application> all, fleet.ListApplications());
  for (const v1::Application& each : all) {
    for (const v1::ApplicationClusterStatus& there : each.status().per_cluster()) {
      now.generations[absl::StrCat(each.metadata().name(), " on ", there.cluster())] =
          there.desired_generation();
    }
  }
  return now;
}

Change Between(const Count& before, const Count& after) {
  Change change{.sent = after.sent - before.sent,
                .desired = Grown(before.desired, after.desired),
                .writes = Grown(before.writes, after.writes)};
  for (const auto& [cluster, files] : after.files) {
    const auto was = before.files.find(cluster);
    CompareFiles(cluster,
                 was == before.files.end() ? std::map<std::string, std::string>() : was->second,
                 files, &change);
  }
  for (const auto& [name, generation] : after.generations) {
    const auto was = before.generations.find(name);
    if (was == before.generations.end() || was->second != generation) change.assigned.insert(name);
  }
  return change;
}

}  // namespace lockstep
