#pragma once

#include "common/metrics/metrics.h"

namespace lockstep {

/// What the hub counts; docs/metrics.md says what each is for. Whoever does the thing increments;
/// the loop sets the gauges that follow from its state after each batch.
struct HubMetrics {
  /// The registry must outlive this.
  explicit HubMetrics(MetricRegistry* registry);

  // Agents (hub/rpc).
  Gauge* agents_connected;
  Counter* agent_sessions;
  Labelled<Counter>*
      agent_sessions_ended;  // reason: shutdown, replaced, removed, revoked, busy, version, lost
  Labelled<Counter>* messages_received;  // message: hello, ack, status, beat, pages, certificate
  Labelled<Counter>*
      messages_sent;  // message: welcome, desired, status_ack, command, goodbye, certificate
  Counter* blob_bytes_served;
  Labelled<Counter>* enrolments;  // result: accepted, refused
  Counter* certificates_issued;

  // The loop and its commits (hub/loop).
  Histogram* commit_duration;
  Histogram* commit_events;
  Labelled<Counter>* commit_batches;  // content: decisions, observations
  Gauge* commit_counter;
  Gauge* behind;

  // The store (hub/store, read by the loop).
  Gauge* store_bytes;
  Gauge* store_free_bytes;
  Gauge* store_read_only;
  Gauge* records_quarantined;

  // The fleet (the loop, from its state).
  Gauge* clusters;
  Gauge* applications;
  Labelled<Gauge>* assignments;  // state, as people are shown it
  Gauge* deletes_held;
  Counter* drift_reverted;

  // Sources and rendering (hub/ports).
  Labelled<Gauge>* source_repositories;  // state: ready, failed, suspended
  Labelled<Counter>* source_fetches;     // result: changed, unchanged, failed
  Histogram* source_fetch_duration;
  Labelled<Counter>* render_jobs;  // result: rendered, unchanged, failed
  Histogram* render_duration;

  // What people ask (hub/rpc).
  Labelled<Counter>* api_commands;  // code: ok, or the name of an error in lower case
};

}  // namespace lockstep
