#pragma once

#include <string>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/core/effect.h"
#include "agent/core/event.h"
#include "agent/core/state.h"

namespace lockstep {

/// One step under way. Its parts: the session and what is received (session.cc), acceptance
/// (desired.cc), runs against the target (runs.cc), status (status.cc).
class Stepper {
 public:
  Stepper(AgentState& state, absl::Time now) : state_(state), now_(now) {}

  std::vector<AgentEffect> Take(const AgentEvent& event);

  void operator()(const agent_event::Started& event);
  void operator()(const agent_event::LinkUp& event);
  void operator()(const agent_event::LinkDown& event);
  void operator()(const agent_event::Received& event);
  void operator()(const agent_event::PersistDone& event);
  void operator()(const agent_event::BlobsStored& event);
  void operator()(const agent_event::FetchFailed& event);
  void operator()(const agent_event::ReconcileDone& event);
  void operator()(const agent_event::TargetChanged& event);
  void operator()(const agent_event::TimerFired& event);
  void operator()(const agent_event::ReleaseAll& event);

  // What is received.
  void operator()(const Welcome& welcome);
  void operator()(const Desired& desired);
  void operator()(const StatusAck& ack);
  void operator()(const Command& command);
  void operator()(const Goodbye& goodbye);
  void operator()(const CertificateIssued&) {}  // The link's own business.

 private:
  // session.cc
  bool Welcomed() const { return state_.session.has_value() && state_.session->welcomed; }
  void Send(AgentMessage message);
  void SendPages();
  void Persist(PendingPersist persist, std::vector<std::pair<Digest, std::string>> blobs,
               bool synced);
  void Remove(absl::string_view reason);
  void Removed(absl::string_view reason, const absl::Status& kept);
  // Whether what was said at this point was said with less knowledge than the hub once had.
  bool KnowsLess(const CommitPoint& at, uint64_t epoch) const;
  // Whether a hub at this point knows all that it once told; tells state_.hub_behind.
  bool NoteHub(const CommitPoint& at, uint64_t epoch, Verdict verdict);
  void HearAgain(const Welcome& welcome);
  void AdoptTarget(AgentRecord* record, PendingPersist* persist);
  absl::Duration Jittered(absl::Duration around);

  // desired.cc
  void Accept(const Desired& desired);
  void KeepDocuments(const Desired& desired);
  void RefuseAll(const Desired& desired, ApplicationAck::Code code, absl::string_view message,
                 bool retryable);
  void SendAck(std::vector<ApplicationAck> refused);
  void Accepted(const PendingPersist& persist);
  void NotAccepted(const PendingPersist& persist, const absl::Status& status);
  void StartFetch();

  // runs.cc
  void Schedule();
  void Start(const std::string& name, LiveApplication* live);
  void RecordOutcome(const ReconcileOutcome& outcome);
  void FinishRun(const ReconcileOutcome& outcome, const absl::Status& persisted);
  void NoteFindings(const ReconcileOutcome& outcome, const LiveApplication::Run& run,
                    LiveApplication* live);
  void NoteDrift(const ReconcileOutcome& outcome, LiveApplication* live);
  void CancelRun(LiveApplication* live);
  bool LacksAccount(const ApplicationRecord& target) const;
  void Watch(const std::string& name);

  // status.cc
  void Report();  // Brings every report up to date and sends what is due.
  void Flush();
  void Acknowledged(uint64_t through);
  void TellDriftsAgain();
  void LimitDrifts();  // To kDriftsMax of each: those that wait, and those that were sent.

  AgentState& state_;
  const absl::Time now_;
  std::vector<AgentEffect> effects_;
};

/// What an application is said to be at this moment; `since` and the counters are left to the
/// caller.
ApplicationReport Describe(const DurableApplication& application, const LiveApplication& live,
                           const AgentState& state);

}  // namespace lockstep
