// What is said of applications: as changes, numbered, again until the hub acknowledged them.
#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "agent/core/stepper.h"
#include "common/bundle/key_list.h"

namespace lockstep {
namespace {

using State = ApplicationState;

// Keeps a message well below the link's 256 KiB; one application may be over it alone.
constexpr size_t kReportBytes = 64 * 1024;

void Say(ApplicationReport* report, State state, absl::string_view reason,
         absl::string_view message = "") {
  report->state = state;
  report->reason = std::string(reason);
  report->message = std::string(message.substr(0, kMessageBytesMax));
}

absl::string_view HealthWord(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) return "NoSpace";
  return "ApplyFailed";
}

constexpr absl::string_view kNoAccount =
    "it names no account, and on a Kubernetes cluster everything is done as one: set "
    "serviceAccountName to an account in the application's namespace there";

constexpr absl::string_view kChangedWord = "TargetChanged";
constexpr absl::string_view kTargetChanged =
    "its target is not the one that this agent kept before: rebuilt, or moved here; nothing is "
    "written until lockstep cluster accept";

std::string ForeignMessage(const LiveApplication& live) {
  const ReconcileOutcome::Foreign& foreign = live.foreign.begin()->second;
  if (!foreign.owner.empty()) {
    return absl::StrCat(foreign.place, " belongs to the application ", foreign.owner,
                        "; remove it there first, or take it over with lockstep cluster accept");
  }
  return absl::StrCat(foreign.place, " is at the place of ", foreign.key.ToString(),
                      " and was not written by Lockstep; remove it, or take it over with "
                      "lockstep cluster accept");
}

bool HealsByItself(const LiveApplication& live) {
  return std::all_of(live.problems.begin(), live.problems.end(), [](const auto& item) {
    return absl::IsUnavailable(item.second) || absl::IsAborted(item.second);
  });
}

void DescribeState(const DurableApplication& application, const LiveApplication& live,
                   const AgentState& state, ApplicationReport* report) {
  const ApplicationRecord& target = application.target;
  if (target.releasing.has_value()) {
    if (target.tombstones.empty()) return Say(report, State::kReleased, "Released");
    if (TargetChanged(state)) return Say(report, State::kDeleting, kChangedWord, kTargetChanged);
    if (target.held) return Say(report, State::kDeleting, "DeletesHeld", target.held_reason);
    if (live.lacks_account) return Say(report, State::kDeleting, "NoServiceAccount", kNoAccount);
    if (live.problems.empty()) return Say(report, State::kDeleting, "Deleting");
    return Say(report, State::kDeleting, "DeleteFailed", live.problems.begin()->second.message());
  }
  if (TargetChanged(state)) return Say(report, State::kStalled, kChangedWord, kTargetChanged);
  if (target.options.suspend) return Say(report, State::kSuspended, "Suspended");
  if (live.lacks_account) return Say(report, State::kStalled, "NoServiceAccount", kNoAccount);
  if (!live.foreign.empty()) {
    return Say(report, State::kStalled, "ForeignObject", ForeignMessage(live));
  }
  if (!live.problems.empty()) {
    const auto& [key, status] = *live.problems.begin();
    const std::string message = absl::StrCat(key.ToString(), ": ", status.message());
    if (HealsByItself(live)) return Say(report, State::kProgressing, "Retrying", message);
    return Say(report, State::kStalled, HealthWord(status), message);
  }
  if (!live.settled) return Say(report, State::kProgressing, "Applying");
  if (!live.unhealthy.empty()) {
    const ObjectProblem& object = live.unhealthy.begin()->second;
    return Say(report, State::kDegraded, "ObjectDegraded",
               absl::StrCat(object.key.ToString(), ": ", object.message));
  }
  if (target.held) return Say(report, State::kHeld, "DeletesHeld", target.held_reason);
  if (!target.tombstones.empty() && state.hub_behind) {
    return Say(report, State::kHeld, "HubBehind",
               "the hub knows less than it told before; run lockstep approve --hub");
  }
  if (!target.tombstones.empty()) return Say(report, State::kProgressing, "Deleting");
  Say(report, State::kSynced, "Synced");
}

void DescribeObjects(const DurableApplication& application, const LiveApplication& live,
                     ApplicationReport* report) {
  const ApplicationRecord& target = application.target;
  if (target.held) report->held = target.tombstones;
  for (const auto& [key, entry] : application.inventory) {
    if (!entry.applied.IsZero()) ++report->objects;
    const bool wanted = target.manifest->Find(key) != nullptr;
    if (!wanted && !ContainsKey(target.tombstones, key)) report->orphans.push_back(key);
  }
  CutKeyList(kKeyListBytesMax, &report->orphans);
  report->problem_count =
      static_cast<uint32_t>(live.problems.size() + live.foreign.size() + live.unhealthy.size());
  const auto add = [&](const ObjectKey& key, absl::string_view state, absl::string_view message) {
    if (report->problems.size() >= kProblemsMax) return;
    report->problems.push_back(
        {key, std::string(state), std::string(message.substr(0, kMessageBytesMax))});
  };
  for (const auto& [key, status] : live.problems) add(key, "Failed", status.message());
  for (const auto& [key, foreign] : live.foreign) add(key, "Foreign", foreign.place);
  for (const auto& [key, object] : live.unhealthy) add(key, object.state, object.message);
}

bool SameProblems(const std::vector<ObjectProblem>& a, const std::vector<ObjectProblem>& b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](const ObjectProblem& x, const ObjectProblem& y) {
        return std::tie(x.key, x.state, x.message) == std::tie(y.key, y.state, y.message);
      });
}

// Whether both say the same, but for the times.
bool SameReport(const ApplicationReport& a, const ApplicationReport& b) {
  return std::tie(a.generation, a.manifest, a.state, a.reason, a.message, a.objects, a.held,
                  a.orphans, a.problem_count, a.writes, a.deletes) ==
             std::tie(b.generation, b.manifest, b.state, b.reason, b.message, b.objects, b.held,
                      b.orphans, b.problem_count, b.writes, b.deletes) &&
         SameProblems(a.problems, b.problems);
}

size_t RoughBytes(const ApplicationReport& report) {
  constexpr size_t kKey = 96;
  size_t bytes = 256 + report.message.size();
  bytes += KeyListBytes(report.held) + KeyListBytes(report.orphans);
  for (const ObjectProblem& problem : report.problems) bytes += kKey + problem.message.size();
  return bytes;
}

}  // namespace

ApplicationReport Describe(const DurableApplication& application, const LiveApplication& live,
                           const AgentState& state) {
  const ApplicationRecord& target = application.target;
  ApplicationReport report;
  report.name = target.name;
  report.generation = target.generation;
  report.manifest = target.manifest->digest();
  report.since = live.report.since;
  report.writes = live.report.writes;
  report.deletes = live.report.deletes;
  report.last_compared = live.report.last_compared;
  DescribeState(application, live, state, &report);
  DescribeObjects(application, live, &report);
  return report;
}

void Stepper::Report() {
  bool urgent = !state_.drifts.empty();
  bool waiting = state_.report_full;
  for (auto& [name, live] : state_.live) {
    waiting = waiting || live.changed;
    if (!live.stale) continue;
    live.stale = false;
    ApplicationReport report = Describe(state_.durable.applications.at(name), live, state_);
    const bool moved = report.state != live.report.state || report.reason != live.report.reason ||
                       live.report.name.empty();
    if (moved) report.since = now_;
    if (moved || !SameReport(report, live.report)) {
      live.changed = true;
      // Only going well can wait for company.
      urgent = urgent || report.state != State::kProgressing || !live.problems.empty();
    }
    live.report = std::move(report);
    waiting = waiting || live.changed;
  }
  if (!Welcomed()) return;
  if (urgent || state_.report_full) {
    Flush();
  } else if (waiting && !state_.status_timer) {
    state_.status_timer = true;
    effects_.emplace_back(agent_effect::SetTimer{{TimerId::Kind::kStatus, ""}, kStatusGather});
  }
}

void Stepper::Flush() {
  if (!Welcomed()) return;
  StatusReport status;
  status.full = state_.report_full;
  const auto send = [&] {
    status.seq = ++state_.status_seq;
    for (const ApplicationReport& report : status.applications) {
      state_.live.at(report.name).sent_seq = status.seq;
    }
    if (!status.drifts.empty()) state_.drifts_sent[status.seq] = status.drifts;
    Send(std::exchange(status, StatusReport()));
  };
  status.drifts = std::exchange(state_.drifts, {});
  size_t bytes = 0;
  for (auto& [name, live] : state_.live) {
    if (!live.changed && !state_.report_full) continue;
    const size_t more = RoughBytes(live.report);
    if (bytes > 0 && bytes + more > kReportBytes) {
      send();
      bytes = 0;
    }
    bytes += more;
    status.applications.push_back(live.report);
    live.changed = false;
  }
  if (status.full || !status.applications.empty() || !status.drifts.empty()) send();
  state_.report_full = false;
  LimitDrifts();
}

void Stepper::TellDriftsAgain() {
  std::vector<DriftReport> again;
  for (auto& [seq, drifts] : std::exchange(state_.drifts_sent, {})) {
    again.insert(again.end(), drifts.begin(), drifts.end());
  }
  state_.drifts.insert(state_.drifts.begin(), again.begin(), again.end());
  LimitDrifts();
}

void Stepper::LimitDrifts() {
  const auto limit = [](size_t excess, std::vector<DriftReport>* drifts) {
    const auto end = drifts->begin() + static_cast<long>(std::min(excess, drifts->size()));
    drifts->erase(drifts->begin(), end);
  };
  const auto excess = [](size_t size) { return size - std::min(size, kDriftsMax); };
  limit(excess(state_.drifts.size()), &state_.drifts);
  size_t sent = 0;
  for (const auto& [seq, drifts] : state_.drifts_sent) sent += drifts.size();
  for (auto& [seq, drifts] : state_.drifts_sent) {
    const size_t before = drifts.size();
    limit(excess(sent), &drifts);
    sent -= before - drifts.size();
  }
  std::erase_if(state_.drifts_sent, [](const auto& item) { return item.second.empty(); });
}

void Stepper::Acknowledged(uint64_t through) {
  state_.status_acked = std::max(state_.status_acked, std::min(through, state_.status_seq));
  state_.drifts_sent.erase(state_.drifts_sent.begin(),
                           state_.drifts_sent.upper_bound(state_.status_acked));
  PendingPersist forget;
  for (const auto& [name, live] : state_.live) {
    const DurableApplication& application = state_.durable.applications.at(name);
    if (live.report.state != State::kReleased || !application.inventory.empty()) continue;
    if (live.changed || live.sent_seq == 0 || live.sent_seq > state_.status_acked) continue;
    if (!live.run.has_value()) forget.records.emplace_back(ForgetRecord{name});
  }
  if (forget.records.empty()) return;
  Persist(std::move(forget), {}, false);
}

}  // namespace lockstep
