// What becomes of a Desired: refused, waiting for blobs, or made durable and carried out.
#include <algorithm>

#include <absl/strings/str_cat.h>

#include "agent/core/accept.h"
#include "agent/core/stepper.h"

namespace lockstep {
namespace {

using Code = ApplicationAck::Code;

constexpr absl::Duration kFetchRetryFirst = absl::Milliseconds(500);
constexpr absl::Duration kFetchRetryMax = absl::Seconds(30);

bool WasIdle(ApplicationState state) {
  return state == ApplicationState::kSuspended || state == ApplicationState::kReleased ||
         state == ApplicationState::kDeleting;
}

}  // namespace

bool TargetChanged(const AgentState& state) {
  const std::string& kept = state.durable.agent.target_uid;
  const std::string& found = state.facts.target_uid;
  return !kept.empty() && !found.empty() && kept != found;
}

std::set<Digest> BlobsToKeep(const AgentState& state) {
  std::set<Digest> keep = state.fetched;
  keep.insert(state.fetching.begin(), state.fetching.end());
  return keep;
}

void Stepper::operator()(const Desired& desired) {
  if (!state_.session->welcomed) return;
  const AgentRecord& agent = state_.durable.agent;
  if (desired.seq < agent.desired_seq ||
      (state_.pending.has_value() && desired.seq < state_.pending->desired.seq)) {
    SendAck({});  // Overtaken by a newer one.
    return;
  }
  if (KnowsLess(desired.at, desired.epoch)) {
    // Whether the hub fell back its Welcome says; within a session this is only late.
    RefuseAll(desired, Code::kStale,
              desired.epoch < agent.epoch
                  ? "its epoch is older than one that this agent accepted"
                  : "the hub knows less than it told before; run lockstep approve --hub",
              true);
    return;
  }
  NoteHub(desired.at, desired.epoch, Verdict::kDelta);
  state_.pending.reset();
  KeepDocuments(desired);
  Accept(desired);
}

// What was fetched for the message before and serves this one as well need not come again.
void Stepper::KeepDocuments(const Desired& desired) {
  std::set<Digest> named;
  for (const ApplicationTarget& target : desired.applications) {
    const auto* reference = std::get_if<DocumentReference>(&target.content);
    if (reference != nullptr) named.insert(reference->digest);
  }
  std::erase_if(state_.documents, [&](const auto& item) { return !named.contains(item.first); });
}

void Stepper::Accept(const Desired& desired) {
  Acceptance acceptance = Judge(state_.durable, desired, state_.fetched, state_.documents);
  if (!acceptance.documents.empty() || !acceptance.missing.empty()) {
    state_.pending =
        PendingDesired{desired, std::move(acceptance.missing), std::move(acceptance.documents)};
    StartFetch();
    return;
  }
  state_.documents.clear();
  const bool holds_other = std::any_of(acceptance.refused.begin(), acceptance.refused.end(),
                                       [](const ApplicationAck& ack) { return ack.retryable; });
  if (holds_other) SendPages();
  AgentRecord record = state_.durable.agent;
  record.desired_seq = desired.seq;
  record.epoch = desired.epoch;
  record.hub_behind = state_.hub_behind;
  // While it waited for blobs, a Welcome may have told of later commits.
  if (desired.at.counter > record.seen.counter) record.seen = desired.at;
  PendingPersist persist;
  persist.cause = PendingPersist::Cause::kAccept;
  persist.records = std::move(acceptance.records);
  persist.records.emplace_back(std::move(record));
  persist.refused = std::move(acceptance.refused);
  persist.changed = std::move(acceptance.changed);
  if (persist.changed.empty() && desired.seq == state_.durable.agent.desired_seq) {
    SendAck(std::move(persist.refused));  // Heard before.
    return;
  }
  Persist(std::move(persist), std::move(acceptance.blobs), true);
}

void Stepper::Accepted(const PendingPersist& persist) {
  state_.fetched.clear();
  state_.fetching.clear();
  for (const Record& record : persist.records) {
    // Whatever the message touched is looked at anew: a run that was planned before must end.
    if (const auto* inventory = std::get_if<InventoryRecord>(&record)) {
      LiveApplication& touched = state_.live[inventory->application];
      CancelRun(&touched);
      touched.stale = true;
    }
    const auto* target = std::get_if<ApplicationRecord>(&record);
    if (target == nullptr) continue;
    LiveApplication& live = state_.live[target->name];
    CancelRun(&live);
    live.stale = true;
    live.deletes_due = true;
    std::erase_if(live.unrecorded,
                  [&](const ObjectKey& key) { return !ContainsKey(target->tombstones, key); });
    const auto changed = persist.changed.find(target->name);
    if (changed == persist.changed.end()) continue;
    live.settled = false;
    live.failures = 0;
    live.report.writes = 0;
    live.report.deletes = 0;
    live.dirty.insert(changed->second.begin(), changed->second.end());
    std::erase_if(live.dirty,
                  [&](const ObjectKey& key) { return target->manifest->Find(key) == nullptr; });
    if (changed->second.size() >= target->manifest->size()) live.everything = true;
    // What went wrong may have kept other objects from being written; what was suspended or let go
    // of was not compared.
    if (target->accept_foreign || WasIdle(live.report.state) || !live.problems.empty() ||
        !live.foreign.empty()) {
      live.everything = true;
    }
    const auto left = [&](const auto& item) {
      return target->manifest->Find(item.first) == nullptr;
    };
    std::erase_if(live.problems, left);
    std::erase_if(live.foreign, left);
    std::erase_if(live.unhealthy, left);
    Watch(target->name);
  }
  SendAck(persist.refused);
  StartFetch();
}

void Stepper::NotAccepted(const PendingPersist& persist, const absl::Status& status) {
  std::vector<ApplicationAck> refused = persist.refused;
  const Code code = absl::IsResourceExhausted(status) ? Code::kNoSpace : Code::kTransient;
  for (const Record& record : persist.records) {
    const auto* target = std::get_if<ApplicationRecord>(&record);
    if (target == nullptr || !persist.changed.contains(target->name)) continue;
    refused.push_back({target->name, target->generation, code,
                       absl::StrCat("keeping it: ", status.message()), true});
  }
  SendAck(std::move(refused));
  StartFetch();
}

void Stepper::RefuseAll(const Desired& desired, Code code, absl::string_view message,
                        bool retryable) {
  std::vector<ApplicationAck> refused;
  for (const ApplicationTarget& target : desired.applications) {
    refused.push_back({target.name, target.generation, code, std::string(message), retryable});
  }
  SendAck(std::move(refused));
}

void Stepper::SendAck(std::vector<ApplicationAck> refused) {
  if (!state_.session.has_value()) return;
  for (ApplicationAck& ack : refused) {
    if (ack.message.size() > kMessageBytesMax) ack.message.resize(kMessageBytesMax);
  }
  Send(Ack{state_.durable.agent.desired_seq, std::move(refused), RootOf(state_.durable)});
}

void Stepper::StartFetch() {
  if (!Welcomed()) return;
  std::erase_if(state_.damaged,
                [&](const Digest& digest) { return !HasBlob(state_.durable, digest); });
  PendingFetch fetch;
  if (state_.pending.has_value()) {
    fetch.digests = state_.pending->missing;
    fetch.documents = state_.pending->documents;
  } else {
    // By themselves: one that the hub has no more holds up no target.
    fetch.digests.assign(state_.damaged.begin(), state_.damaged.end());
  }
  if (fetch.digests.empty() && fetch.documents.empty()) return;
  // One under way for the same goes on: a message that replaces another does not set it back.
  if (state_.fetch.has_value() && state_.fetch->digests == fetch.digests &&
      state_.fetch->documents == fetch.documents) {
    return;
  }
  fetch.id = state_.next_id++;
  state_.fetching = {fetch.digests.begin(), fetch.digests.end()};
  effects_.emplace_back(agent_effect::Fetch{fetch.id, fetch.digests, fetch.documents});
  state_.fetch = std::move(fetch);
}

void Stepper::operator()(const agent_event::BlobsStored& event) {
  if (!state_.fetch.has_value() || state_.fetch->id != event.fetch) return;
  const PendingFetch fetch = std::move(*state_.fetch);
  state_.fetch.reset();
  state_.fetch_failures = 0;
  for (const Digest& digest : fetch.digests) {
    if (state_.damaged.erase(digest) == 0) state_.fetched.insert(digest);
  }
  for (auto& [name, live] : state_.live) {
    if (!live.problems.empty()) live.everything = true;
  }
  if (!state_.pending.has_value()) return;
  const Desired desired = std::move(state_.pending->desired);
  state_.pending.reset();
  state_.documents.insert(event.documents.begin(), event.documents.end());
  KeepDocuments(desired);
  Accept(desired);
}

void Stepper::operator()(const agent_event::FetchFailed& event) {
  if (!state_.fetch.has_value() || state_.fetch->id != event.fetch) return;
  state_.fetch.reset();
  const bool full = absl::IsResourceExhausted(event.status);
  state_.unserved = absl::IsNotFound(event.status);
  if (state_.pending.has_value() && (full || absl::IsNotFound(event.status))) {
    const Desired desired = std::move(state_.pending->desired);
    state_.pending.reset();
    RefuseAll(desired, full ? Code::kNoSpace : Code::kTransient,
              absl::StrCat("fetching its blobs: ", event.status.message()), true);
  }
  const int doublings = std::min(state_.fetch_failures++, 10);
  const absl::Duration delay = std::min(kFetchRetryFirst * (1 << doublings), kFetchRetryMax);
  effects_.emplace_back(agent_effect::SetTimer{{TimerId::Kind::kFetch, ""}, Jittered(delay)});
}

}  // namespace lockstep
