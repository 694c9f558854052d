#include "agent/metrics/agent_metrics.h"

namespace lockstep {

AgentMetrics::AgentMetrics(MetricRegistry* registry)
    : connected(registry->AddGauge("lockstep_agent_connected",
                                   "Whether a session with the hub is open, 1 or 0.")),
      sessions(registry->AddCounter("lockstep_agent_sessions_total",
                                    "Sessions with the hub that were opened.")),
      desired_received(
          registry->AddCounter("lockstep_agent_desired_received_total",
                               "Messages with desired state that were accepted and stored.")),
      desired_refused(registry->AddCounter(
          "lockstep_agent_desired_refused_total",
          "Applications of such messages that were refused, by the reason told to the hub.",
          {"code", {"invalid", "stale", "delete_guard", "too_large", "no_space", "transient"}})),
      blob_bytes_fetched(registry->AddCounter("lockstep_agent_blob_fetched_bytes_total",
                                              "Bytes of objects fetched by digest.")),
      hub_behind(registry->AddGauge(
          "lockstep_agent_hub_behind",
          "Whether the hub knows less than this agent was told before, 1 or 0.")),
      certificate_expiry(registry->AddGauge(
          "lockstep_agent_certificate_expiry_timestamp_seconds",
          "When the agent's certificate ends, in seconds since the unix epoch.")),
      applications(registry->AddGauge("lockstep_agent_applications", "Applications by state.",
                                      {"state",
                                       {"progressing", "synced", "held", "stalled", "suspended",
                                        "degraded", "released", "deleting"}})),
      objects(registry->AddGauge("lockstep_agent_objects", "Objects that are kept as in Git.")),
      deletes_held(
          registry->AddGauge("lockstep_agent_deletes_held", "Deletes that wait for a person.")),
      store_bytes(
          registry->AddGauge("lockstep_agent_store_bytes", "Bytes of desired state on disk.")),
      reconciles(registry->AddCounter("lockstep_agent_reconciles_total",
                                      "Comparisons of an application with its cluster, by result.",
                                      {"result", {"unchanged", "changed", "failed"}})),
      reconcile_duration(registry->AddHistogram(
          "lockstep_agent_reconcile_duration_seconds",
          "How long a comparison and what followed from it took.", DurationBuckets())),
      writes(registry->AddCounter("lockstep_agent_writes_total", "Objects written, by result.",
                                  {"result", {"applied", "failed"}})),
      deletes(registry->AddCounter("lockstep_agent_deletes_total", "Objects deleted.")),
      drift_reverted(registry->AddCounter("lockstep_agent_drift_reverted_total",
                                          "Foreign changes that were put back.")) {}

}  // namespace lockstep
