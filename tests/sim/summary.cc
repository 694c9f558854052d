#include "tests/sim/summary.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

namespace lockstep::sim {
namespace {

std::string Keys(const std::vector<ObjectKey>& keys) {
  return absl::StrJoin(keys, ",", [](std::string* out, const ObjectKey& key) {
    absl::StrAppend(out, key.ToString());
  });
}

std::string Of(const Assignment& one) {
  return absl::StrCat("generation ", one.generation, " manifest ", one.manifest->digest().Short(),
                      " options ", one.options_digest.Short(), " revision ", one.revision,
                      " release ", one.release.has_value() ? static_cast<int>(*one.release) : -1,
                      " approved ", one.approved.has_value() ? one.approved->Short() : "-",
                      " tombstones ", Keys(one.tombstones), " foreign ", one.accept_foreign,
                      " missing ", one.missing_path);
}

std::string Of(const Instance& one) {
  std::string text = absl::StrCat("placed ", one.placed, " ", Of(one.assignment), " input ",
                                  one.input.Short(), " at ", one.rendered_revision, " refused ",
                                  one.refused, " error ", one.error, " gone ", one.missing_path);
  if (one.waiting.has_value()) {
    absl::StrAppend(&text, " waiting ", one.waiting->manifest->digest().Short(), " ",
                    one.waiting->revision, " ", one.waiting->missing_path);
  }
  absl::StrAppend(&text, " received ", one.received.generation, " ",
                  one.received.manifest->digest().Short(), " ", one.received.options_digest.Short(),
                  " ", one.received.releasing);
  if (one.report.has_value()) {
    absl::StrAppend(&text, " report ", one.report->generation, " ", one.report->reason, " ",
                    one.report->message, " held ", Keys(one.report->held), " orphans ",
                    Keys(one.report->orphans));
  }
  return text;
}

}  // namespace

std::vector<std::string> Summary(const HubState& state) {
  std::vector<std::string> lines;
  for (const auto& [key, resource] : state.resources) {
    const Meta& meta = resource.meta();
    std::string line = absl::StrCat(key.ToString(), " ", meta.generation, " ", meta.uid, " going ",
                                    resource.going, " ", static_cast<int>(resource.going_objects),
                                    " suspended ", resource.suspension.has_value());
    for (const auto& [name, value] : meta.labels) absl::StrAppend(&line, " ", name, "=", value);
    lines.push_back(std::move(line));
  }
  for (const auto& [name, source] : state.sources) {
    // What was rendered is forgotten where the hub had no room for what came of it.
    lines.push_back(absl::StrCat("source ", name.ToString(), " ", source.commit));
  }
  for (const auto& [name, cluster] : state.clusters) {
    lines.push_back(absl::StrCat(
        "cluster ", name, " key ",
        cluster.fingerprint.has_value() ? cluster.fingerprint->Short() : "-", " target ",
        cluster.target_uid, " pending ", cluster.pending_uid, " floor ", cluster.generation_floor,
        " starts ", cluster.start_counter, " status ", cluster.status_seq));
    for (const auto& [application, instance] : cluster.instances) {
      lines.push_back(absl::StrCat(name, " ", application, ": ", Of(instance)));
    }
  }
  for (const auto& [token, issued] : state.tokens) {
    lines.push_back(absl::StrCat("token ", token.Short(), " ", issued.cluster));
  }
  for (const auto& [key, when] : state.revoked) {
    lines.push_back(absl::StrCat("revoked ", key.Short()));
  }
  for (const auto& [agent, point] : state.behind.agents) {
    lines.push_back(absl::StrCat("behind ", agent, " at ", point.counter));
  }
  return lines;
}

namespace {

std::string Of(const InventoryEntry& entry) {
  std::string text = absl::StrCat(entry.uid, " applied ", entry.applied.Short(), " attempted");
  for (const Digest& attempted : entry.attempted) absl::StrAppend(&text, " ", attempted.Short());
  return text;
}

std::string Of(const ApplicationRecord& one) {
  std::string text = absl::StrCat(
      "generation ", one.generation, " revision ", one.revision, " manifest ",
      one.manifest->digest().Short(), " of ", one.manifest->size(), " options ",
      one.options_digest.Short(), " ", one.options_bytes, " foreign ", one.accept_foreign,
      " release ", one.releasing.has_value() ? static_cast<int>(*one.releasing) : -1);
  absl::StrAppend(&text, " interval ", absl::FormatDuration(one.options.interval), " prune ",
                  one.options.prune, " suspend ", one.options.suspend, " namespace ",
                  one.options.default_namespace, " deletes ",
                  one.options.delete_objects_on_release);
  absl::StrAppend(&text, " tombstones ", Keys(one.tombstones), " of ", one.objects_before, " held ",
                  one.held, " ", one.held_reason);
  return text;
}

}  // namespace

std::vector<std::string> Summary(const DurableState& state) {
  const AgentRecord& agent = state.agent;
  std::vector<std::string> lines;
  lines.push_back(absl::StrCat("starts ", agent.start_counter, " seen ", agent.seen.counter, " ",
                               agent.seen.chain.Short(), " hub ", agent.hub_incarnation, " epoch ",
                               agent.epoch, " seq ", agent.desired_seq, " removed ",
                               agent.removed));
  for (const Digest& key : agent.revoked) lines.push_back(absl::StrCat("revoked ", key.Short()));
  for (const auto& [name, application] : state.applications) {
    lines.push_back(absl::StrCat(name, ": ", Of(application.target)));
    for (const auto& [key, entry] : application.inventory) {
      lines.push_back(absl::StrCat(name, " ", key.ToString(), ": ", Of(entry)));
    }
  }
  return lines;
}

}  // namespace lockstep::sim
