#include "hub/metrics/hub_metrics.h"

namespace lockstep {

HubMetrics::HubMetrics(MetricRegistry* registry)
    : agents_connected(
          registry->AddGauge("lockstep_hub_agents_connected", "Agents with an open session.")),
      agent_sessions(registry->AddCounter("lockstep_hub_agent_sessions_total",
                                          "Sessions with agents that were opened.")),
      agent_sessions_ended(registry->AddCounter(
          "lockstep_hub_agent_sessions_ended_total", "Sessions that ended, by reason.",
          {"reason", {"shutdown", "replaced", "removed", "revoked", "busy", "version", "lost"}})),
      messages_received(registry->AddCounter(
          "lockstep_hub_messages_received_total", "Messages from agents, by kind.",
          {"message", {"hello", "ack", "status", "beat", "pages", "certificate"}})),
      messages_sent(registry->AddCounter(
          "lockstep_hub_messages_sent_total", "Messages to agents, by kind.",
          {"message", {"welcome", "desired", "status_ack", "command", "goodbye", "certificate"}})),
      blob_bytes_served(registry->AddCounter("lockstep_hub_blob_served_bytes_total",
                                             "Bytes of objects that agents fetched by digest.")),
      enrolments(registry->AddCounter("lockstep_hub_enrolments_total",
                                      "Attempts to enrol a cluster, by result.",
                                      {"result", {"accepted", "refused"}})),
      certificates_issued(registry->AddCounter("lockstep_hub_certificates_issued_total",
                                               "Certificates signed for agents and users.")),
      commit_duration(registry->AddHistogram("lockstep_hub_commit_duration_seconds",
                                             "How long one durable write took.",
                                             DurationBuckets())),
      commit_events(registry->AddHistogram("lockstep_hub_commit_events",
                                           "Events that shared one durable write.",
                                           CountBuckets(4096))),
      commit_batches(registry->AddCounter(
          "lockstep_hub_commit_batches_total",
          "Durable writes, by whether they held decisions or only observations.",
          {"content", {"decisions", "observations"}})),
      commit_counter(registry->AddGauge("lockstep_hub_committed_decisions",
                                        "Decisions committed since the store was made.")),
      behind(registry->AddGauge(
          "lockstep_hub_behind",
          "Whether an agent knows more than this hub, 1 or 0: it pushes nothing until approved.")),
      store_bytes(registry->AddGauge("lockstep_hub_store_bytes", "Bytes of the store.")),
      store_free_bytes(
          registry->AddGauge("lockstep_hub_store_free_bytes", "Bytes free on the store's disk.")),
      store_read_only(
          registry->AddGauge("lockstep_hub_store_read_only",
                             "Whether the disk is too full to accept anything new, 1 or 0.")),
      records_quarantined(registry->AddGauge("lockstep_hub_records_quarantined",
                                             "Stored records that could not be read.")),
      clusters(registry->AddGauge("lockstep_hub_clusters", "Clusters that are known.")),
      applications(
          registry->AddGauge("lockstep_hub_applications", "Applications that are declared.")),
      assignments(registry->AddGauge(
          "lockstep_hub_assignments", "Applications on clusters, by state as people are shown it.",
          {"state",
           {"pending", "progressing", "synced", "held", "stalled", "suspended", "degraded",
            "deleting", "offline", "unknown", "outofsync"}})),
      deletes_held(
          registry->AddGauge("lockstep_hub_deletes_held", "Deletes that wait for a person.")),
      drift_reverted(
          registry->AddCounter("lockstep_hub_drift_reverted_total",
                               "Foreign changes that agents put back, as they reported them.")),
      source_repositories(registry->AddGauge("lockstep_source_repositories",
                                             "Repositories, by state.",
                                             {"state", {"ready", "failed", "suspended"}})),
      source_fetches(registry->AddCounter("lockstep_source_fetches_total",
                                          "Fetches of repositories, by result.",
                                          {"result", {"changed", "unchanged", "failed"}})),
      source_fetch_duration(registry->AddHistogram("lockstep_source_fetch_duration_seconds",
                                                   "How long a fetch took.", DurationBuckets())),
      render_jobs(registry->AddCounter("lockstep_render_jobs_total",
                                       "Renderings of an application for a cluster, by result.",
                                       {"result", {"rendered", "unchanged", "failed"}})),
      render_duration(registry->AddHistogram("lockstep_render_duration_seconds",
                                             "How long rendering one commit took.",
                                             DurationBuckets())),
      api_commands(registry->AddCounter(
          "lockstep_api_commands_total",
          "Changes that people and programs asked for, by the code answered.",
          {"code",
           {"ok", "invalid_argument", "failed_precondition", "not_found", "already_exists",
            "permission_denied", "unauthenticated", "aborted", "unavailable", "resource_exhausted",
            "deadline_exceeded", "cancelled", "data_loss", "internal"}})) {}

}  // namespace lockstep
