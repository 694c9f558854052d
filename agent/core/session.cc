#include <algorithm>

#include <absl/strings/str_cat.h>

#include "agent/core/stepper.h"

namespace lockstep {
namespace {

// Statuses of a run are numbered from its counter, and from a place of its own below that: an agent
// that lost its counter does not use the numbers of the run that had it.
constexpr int kCounterShift = 32;
constexpr uint64_t kRunMask = 0x3fffffff;
constexpr double kJitter = 0.1;  // Of an interval, to both sides.

// splitmix64: one word of state, which makes AgentState a plain value.
uint64_t NextChance(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

std::vector<AgentEffect> Stepper::Take(const AgentEvent& event) {
  if (state_.stopped) return {};
  std::visit(*this, event);
  // Between a Persist and its answer nothing else may be said.
  if (!state_.persisting.has_value() && !state_.stopped) {
    Schedule();
    Report();
  }
  return std::move(effects_);
}

void Stepper::operator()(const agent_event::Started& event) {
  state_ = AgentState();
  state_.durable = event.durable;
  state_.hub_behind = event.durable.agent.hub_behind;
  state_.facts = event.facts;
  state_.chance = event.seed;
  if (state_.durable.agent.removed) {
    Removed("this cluster was removed from the fleet", absl::OkStatus());
    return;
  }
  AgentRecord record = state_.durable.agent;
  ++record.start_counter;
  PendingPersist persist;
  persist.cause = PendingPersist::Cause::kStart;
  persist.records.emplace_back(std::move(record));
  Persist(std::move(persist), {}, true);
}

void Stepper::operator()(const agent_event::LinkUp&) {
  const AgentRecord& agent = state_.durable.agent;
  state_.session.emplace();
  Hello hello;
  hello.version = state_.facts.version;
  hello.target = state_.facts.target;
  hello.target_uid = state_.facts.target_uid;
  hello.facts = state_.facts.facts;
  hello.start_counter = agent.start_counter;
  hello.seen = agent.seen;
  hello.revoked.assign(agent.revoked.begin(), agent.revoked.end());
  hello.hub_incarnation = agent.hub_incarnation;
  hello.epoch = agent.epoch;
  hello.desired_seq = agent.desired_seq;
  hello.status_seq_acked = state_.status_acked;
  hello.cluster_root = RootOf(state_.durable);
  Send(std::move(hello));
}

void Stepper::operator()(const agent_event::LinkDown&) {
  state_.session.reset();
  state_.fetch.reset();
  state_.pending.reset();  // Not acknowledged: the hub sends it again.
  state_.documents.clear();
  state_.unserved = false;
}

void Stepper::operator()(const agent_event::Received& event) {
  if (state_.session.has_value()) std::visit(*this, event.message);
}

void Stepper::operator()(const Welcome& welcome) {
  Session& session = *state_.session;
  if (session.welcomed) return HearAgain(welcome);
  session.welcomed = true;
  session.beat = welcome.beat;
  AgentRecord record = state_.durable.agent;
  if (record.hub_incarnation != welcome.hub_incarnation) state_.report_full = true;
  if (state_.status_acked < state_.status_seq) state_.report_full = true;
  TellDriftsAgain();
  record.hub_incarnation = welcome.hub_incarnation;
  PendingPersist persist;
  if (NoteHub(welcome.at, welcome.epoch, welcome.verdict)) {
    record.epoch = welcome.epoch;
    record.seen = welcome.at;
    record.revoked.clear();  // The hub forgets what no certificate can outlive.
    session.adopts = welcome.verdict != Verdict::kNotAccepted;
    if (TargetChanged(state_) && session.adopts) AdoptTarget(&record, &persist);
  }
  record.hub_behind = state_.hub_behind;
  record.revoked.insert(welcome.revoked.begin(), welcome.revoked.end());
  if (welcome.verdict == Verdict::kProbe) SendPages();
  StartFetch();
  const AgentRecord& held = state_.durable.agent;
  // A commit point that is lost with the power is heard again; a revocation might not be.
  const bool must_last = record.revoked != held.revoked || record.epoch != held.epoch ||
                         record.hub_incarnation != held.hub_incarnation ||
                         record.hub_behind != held.hub_behind ||
                         record.target_uid != held.target_uid;
  effects_.emplace_back(agent_effect::SetTimer{{TimerId::Kind::kBeat, ""}, session.beat});
  if (!must_last && record.seen == held.seen) return;
  persist.records.emplace_back(std::move(record));
  Persist(std::move(persist), {}, must_last);
}

// What was written into the place before says nothing of this one: nothing here is the agent's own
// until it was looked at, and nothing here is deleted for what lay there (FAULTS F-56).
void Stepper::AdoptTarget(AgentRecord* record, PendingPersist* persist) {
  record->target_uid = state_.facts.target_uid;
  for (const auto& [name, application] : state_.durable.applications) {
    const ApplicationRecord& target = application.target;
    InventoryRecord anew;
    anew.application = name;
    for (const auto& [key, entry] : application.inventory) {
      const ManifestEntry* wanted =
          target.releasing.has_value() ? nullptr : target.manifest->Find(key);
      if (wanted == nullptr) {
        anew.removed.push_back(key);
      } else {
        anew.set.emplace_back(key, InventoryEntry{"", Digest(), {wanted->blob}, ""});
      }
    }
    persist->records.emplace_back(std::move(anew));
    state_.live[name].stale = true;
  }
}

// Within a session a Welcome brings keys that were revoked since, and what they were revoked at.
void Stepper::HearAgain(const Welcome& welcome) {
  AgentRecord record = state_.durable.agent;
  record.revoked.insert(welcome.revoked.begin(), welcome.revoked.end());
  if (NoteHub(welcome.at, welcome.epoch, welcome.verdict)) record.seen = welcome.at;
  record.hub_behind = state_.hub_behind;
  const AgentRecord& held = state_.durable.agent;
  if (record.revoked == held.revoked && record.hub_behind == held.hub_behind) return;
  PendingPersist persist;
  persist.records.emplace_back(std::move(record));
  Persist(std::move(persist), {}, true);
}

bool Stepper::KnowsLess(const CommitPoint& at, uint64_t epoch) const {
  const AgentRecord& agent = state_.durable.agent;
  const CommitPoint& seen = agent.seen;
  return epoch < agent.epoch || at.counter < seen.counter ||
         (at.counter == seen.counter && seen.counter > 0 && at.chain != seen.chain);
}

bool Stepper::NoteHub(const CommitPoint& at, uint64_t epoch, Verdict verdict) {
  const bool behind = verdict == Verdict::kHubBehind || KnowsLess(at, epoch);
  if (state_.hub_behind != behind) {
    for (auto& [name, live] : state_.live) {
      live.stale = true;
      live.deletes_due = true;
    }
  }
  state_.hub_behind = behind;
  return !behind;
}

void Stepper::operator()(const StatusAck& ack) { Acknowledged(ack.through); }

void Stepper::operator()(const Command& command) {
  if (std::holds_alternative<Command::Report>(command.action)) {
    state_.report_full = true;
    return;
  }
  const auto& names = std::get<Command::Sync>(command.action).applications;
  for (auto& [name, live] : state_.live) {
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    live.everything = true;
    live.deletes_due = true;
    live.failures = 0;
  }
}

void Stepper::operator()(const Goodbye& goodbye) {
  // Only a hub that knew this cluster a moment ago, and has lost nothing, can say that it left the
  // fleet. All else is a refusal, which proves nothing: what runs goes on.
  if (goodbye.reason != Goodbye::Reason::kRemoved || !Welcomed() || state_.hub_behind) return;
  Remove("this cluster was removed from the fleet");
}

void Stepper::operator()(const agent_event::ReleaseAll&) { Remove("released on this machine"); }

void Stepper::Remove(absl::string_view reason) {
  PendingPersist persist;
  persist.cause = PendingPersist::Cause::kRemove;
  persist.reason = std::string(reason);
  AgentRecord record = state_.durable.agent;
  record.removed = true;
  persist.records.emplace_back(std::move(record));
  for (const auto& [name, application] : state_.durable.applications) {
    persist.records.emplace_back(ForgetRecord{name});
  }
  for (auto& [name, live] : state_.live) CancelRun(&live);
  Persist(std::move(persist), {}, true);
}

void Stepper::Removed(absl::string_view reason, const absl::Status& kept) {
  for (const auto& [name, live] : state_.live) {
    effects_.emplace_back(agent_effect::Unwatch{name});
  }
  state_.live.clear();
  state_.stopped = true;
  effects_.emplace_back(agent_effect::Stop{std::string(reason), kept});
}

void Stepper::operator()(const agent_event::PersistDone& event) {
  if (!state_.persisting.has_value()) return;
  const PendingPersist persist = std::move(*state_.persisting);
  state_.persisting.reset();
  if (event.status.ok()) {
    for (const Record& record : persist.records) ApplyRecord(record, &state_.durable);
  }
  switch (persist.cause) {
    case PendingPersist::Cause::kStart:
      // Without a durable counter the agent still keeps what runs; the hub sees the old counter.
      state_.status_seq =
          (state_.durable.agent.start_counter << kCounterShift) + (state_.chance & kRunMask);
      for (const auto& [name, application] : state_.durable.applications) {
        state_.live[name];
        Watch(name);
      }
      return;
    case PendingPersist::Cause::kNote:
      for (const Record& record : persist.records) {
        const auto* forgotten = std::get_if<ForgetRecord>(&record);
        if (forgotten != nullptr && event.status.ok()) state_.live.erase(forgotten->application);
      }
      return;
    case PendingPersist::Cause::kAccept:
      event.status.ok() ? Accepted(persist) : NotAccepted(persist, event.status);
      return;
    case PendingPersist::Cause::kOutcome:
      FinishRun(persist.outcome, event.status);
      return;
    case PendingPersist::Cause::kRemove:
      // Where it could not be written, the hub refuses this agent from now on; after a restart it
      // would correct again what it still holds.
      Removed(persist.reason, event.status);
      return;
  }
}

void Stepper::operator()(const agent_event::TimerFired& event) {
  switch (event.timer.kind) {
    case TimerId::Kind::kReconcile: {
      const auto live = state_.live.find(event.timer.application);
      if (live == state_.live.end()) return;
      live->second.everything = true;
      live->second.deletes_due = true;
      return;
    }
    case TimerId::Kind::kStatus:
      state_.status_timer = false;
      Flush();
      return;
    case TimerId::Kind::kFetch:
      if (std::exchange(state_.unserved, false) && Welcomed() && !state_.pending.has_value())
        SendPages();
      StartFetch();
      return;
    case TimerId::Kind::kBeat:
      if (!Welcomed()) return;
      if (!state_.session->spoke) {
        Beat beat;
        beat.root_prefix = std::string(RootOf(state_.durable).bytes().substr(0, 8));
        beat.status_seq = state_.status_seq;
        Send(std::move(beat));
      }
      state_.session->spoke = false;
      effects_.emplace_back(
          agent_effect::SetTimer{{TimerId::Kind::kBeat, ""}, state_.session->beat});
      if (TargetChanged(state_) && state_.session->adopts && !state_.hub_behind) {
        // It could not be kept before.
        AgentRecord record = state_.durable.agent;
        PendingPersist persist;
        AdoptTarget(&record, &persist);
        persist.records.emplace_back(std::move(record));
        Persist(std::move(persist), {}, true);
      }
      return;
  }
}

void Stepper::Send(AgentMessage message) {
  state_.session->spoke = true;
  effects_.emplace_back(agent_effect::Send{std::move(message)});
}

void Stepper::SendPages() {
  Pages pages;
  for (const auto& [name, application] : state_.durable.applications) {
    const ApplicationRecord& target = application.target;
    pages.applications.push_back({name, target.generation, target.manifest->digest(),
                                  target.options_digest, target.releasing.has_value()});
  }
  Send(std::move(pages));
}

void Stepper::Persist(PendingPersist persist, std::vector<std::pair<Digest, std::string>> blobs,
                      bool synced) {
  // Nothing is accepted that does not say for which place.
  for (Record& record : persist.records) {
    auto* const agent = std::get_if<AgentRecord>(&record);
    if (agent != nullptr && agent->target_uid.empty()) agent->target_uid = state_.facts.target_uid;
  }
  agent_effect::Persist effect;
  effect.records = persist.records;
  effect.blobs = std::move(blobs);
  effect.synced = synced;
  state_.persisting = std::move(persist);
  effects_.emplace_back(std::move(effect));
}

absl::Duration Stepper::Jittered(absl::Duration around) {
  const double share = static_cast<double>(NextChance(&state_.chance) >> 11) * 0x1.0p-53;
  return around * (1 - kJitter + 2 * kJitter * share);
}

}  // namespace lockstep
