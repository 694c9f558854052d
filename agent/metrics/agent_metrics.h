#pragma once

#include "common/metrics/metrics.h"

namespace lockstep {

/// What an agent counts; docs/metrics.md says what each is for.
struct AgentMetrics {
  /// The registry must outlive this.
  explicit AgentMetrics(MetricRegistry* registry);

  // The link (agent/link).
  Gauge* connected;
  Counter* sessions;
  Counter* desired_received;
  Labelled<Counter>*
      desired_refused;  // code: invalid, stale, delete_guard, too_large, no_space, transient
  Counter* blob_bytes_fetched;
  Gauge* hub_behind;
  Gauge* certificate_expiry;  // Seconds since 1970.

  // Applications (the loop, from its state).
  Labelled<Gauge>* applications;  // state: progressing, synced, held, stalled, suspended, degraded,
                                  // released, deleting
  Gauge* objects;
  Gauge* deletes_held;
  Gauge* store_bytes;

  // Reconciling (agent/loop).
  Labelled<Counter>* reconciles;  // result: unchanged, changed, failed
  Histogram* reconcile_duration;
  Labelled<Counter>* writes;  // result: applied, failed
  Counter* deletes;
  Counter* drift_reverted;
};

}  // namespace lockstep
