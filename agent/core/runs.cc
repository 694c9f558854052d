// Runs against the target: when one starts, what it is to do, and what follows from what it found.
#include <algorithm>
#include <iterator>

#include "agent/core/deletes.h"
#include "agent/core/stepper.h"

namespace lockstep {
namespace {

bool IsSuspended(const ApplicationRecord& target) {
  return target.options.suspend && !target.releasing.has_value();
}

bool CanHeal(const absl::Status& status) {
  return !absl::IsInvalidArgument(status) && !absl::IsPermissionDenied(status) &&
         !absl::IsFailedPrecondition(status) && !absl::IsUnimplemented(status);
}

absl::Duration Backoff(int failures) {
  return std::min(kRetryFirst * (1 << std::min(failures - 1, 10)), kRetryMax);
}

// Where a released application's deletes wait for a person, its objects are still put back.
std::vector<ObjectKey> KeysStillHeld(const DurableApplication& application) {
  std::vector<ObjectKey> keys;
  for (const ManifestEntry& entry : application.target.manifest->entries()) {
    if (application.inventory.contains(entry.key)) keys.push_back(entry.key);
  }
  return keys;
}

Inventory Part(const Inventory& inventory, const std::vector<ObjectKey>& keys,
               const std::vector<ObjectKey>& deletes) {
  Inventory part;
  for (const auto* list : {&keys, &deletes}) {
    for (const ObjectKey& key : *list) {
      const auto entry = inventory.find(key);
      if (entry != inventory.end()) part.insert(*entry);
    }
  }
  return part;
}

}  // namespace

// Nobody is acted for as the agent itself on a cluster that knows accounts (SECURITY D-4).
bool Stepper::LacksAccount(const ApplicationRecord& target) const {
  return state_.facts.target == TargetKind::kKubernetes && target.options.service_account.empty();
}

void Stepper::Schedule() {
  if (TargetChanged(state_)) return;
  // A run that was told to end may still write what another application now owns.
  for (const auto& [name, live] : state_.live) {
    if (live.run.has_value() && live.run->cancelled) return;
  }
  for (auto& [name, live] : state_.live) {
    if (!live.run.has_value()) Start(name, &live);
  }
}

void Stepper::Start(const std::string& name, LiveApplication* live) {
  const DurableApplication& application = state_.durable.applications.at(name);
  const ApplicationRecord& target = application.target;
  if (IsSuspended(target)) return;
  const bool idle = target.releasing.has_value() && target.tombstones.empty();
  const bool lacks_account = LacksAccount(target) && !idle;
  live->stale = live->stale || live->lacks_account != lacks_account;
  live->lacks_account = lacks_account;
  if (lacks_account) return;
  const bool clean = live->problems.empty() && live->foreign.empty();
  const bool deletes = live->deletes_due && !target.held && !target.tombstones.empty() &&
                       !state_.hub_behind && (live->everything || clean);
  if (!live->everything && live->dirty.empty() && !deletes) {
    if (!live->settled && clean && live->failures == 0) live->settled = live->stale = true;
    return;
  }
  ReconcileTask task;
  task.run = state_.next_id++;
  task.application = name;
  task.accept_foreign = target.accept_foreign;
  task.account = target.options.service_account;
  task.default_namespace = target.options.default_namespace;
  task.create_namespace = target.options.create_namespace;
  task.everything = live->everything;
  if (deletes) {
    std::set_difference(target.tombstones.begin(), target.tombstones.end(),
                        live->unrecorded.begin(), live->unrecorded.end(),
                        std::back_inserter(task.deletes));
  }
  if (!target.releasing.has_value()) {
    task.manifest = target.manifest;
    task.keys.assign(live->dirty.begin(), live->dirty.end());
  } else if (target.held) {
    task.manifest = target.manifest;
    task.everything = false;
    task.keys = KeysStillHeld(application);
  }
  if (task.everything) {
    task.keys.clear();
    task.inventory = application.inventory;
  } else {
    task.inventory = Part(application.inventory, task.keys, task.deletes);
  }
  live->stale = true;
  live->run = LiveApplication::Run{task.run, false, live->everything, task.keys, deletes};
  live->everything = false;
  live->dirty.clear();
  if (deletes) live->deletes_due = false;
  effects_.emplace_back(agent_effect::Reconcile{std::move(task)});
}

void Stepper::CancelRun(LiveApplication* live) {
  if (!live->run.has_value() || live->run->cancelled) return;
  live->run->cancelled = true;
  effects_.emplace_back(agent_effect::CancelReconcile{live->run->id});
}

void Stepper::Watch(const std::string& name) {
  const ApplicationRecord& target = state_.durable.applications.at(name).target;
  if (LacksAccount(target) || (target.releasing.has_value() && !target.held)) {
    effects_.emplace_back(agent_effect::Unwatch{name});
    effects_.emplace_back(agent_effect::CancelTimer{{TimerId::Kind::kReconcile, name}});
  } else {
    effects_.emplace_back(agent_effect::Watch{name, target.manifest, target.options.service_account,
                                              target.options.default_namespace});
  }
}

void Stepper::operator()(const agent_event::TargetChanged& event) {
  const auto live = state_.live.find(event.application);
  if (live == state_.live.end()) return;
  const ApplicationRecord& target = state_.durable.applications.at(event.application).target;
  if (IsSuspended(target)) return;
  if (event.keys.empty()) live->second.everything = true;
  for (const ObjectKey& key : event.keys) {
    if (target.manifest->Find(key) == nullptr) continue;
    live->second.dirty.insert(key);
    live->second.noticed.emplace(key, now_);
  }
}

void Stepper::operator()(const agent_event::ReconcileDone& event) {
  const auto live = state_.live.find(event.outcome.application);
  if (live == state_.live.end() || !live->second.run.has_value()) return;
  if (live->second.run->id == event.outcome.run) RecordOutcome(event.outcome);
}

void Stepper::RecordOutcome(const ReconcileOutcome& outcome) {
  const DurableApplication& application = state_.durable.applications.at(outcome.application);
  InventoryRecord changes;
  changes.application = outcome.application;
  bool synced = false;
  for (const ReconcileOutcome::Owned& owned : outcome.owned) {
    const auto entry = application.inventory.find(owned.key);
    if (entry == application.inventory.end()) continue;  // Handed over since.
    InventoryEntry next = owned.entry;
    const ManifestEntry* wanted = application.target.manifest->Find(owned.key);
    if (wanted != nullptr && wanted->blob != next.applied) next.attempted = {wanted->blob};
    if (next == entry->second) continue;
    // That an object is ours must last; which of our contents it has is seen by looking.
    synced = synced || !owned.was_owned;
    changes.set.emplace_back(owned.key, std::move(next));
  }
  ApplicationRecord target = application.target;
  std::set<ObjectKey>& done = state_.live.at(outcome.application).unrecorded;
  done.insert(outcome.deleted.begin(), outcome.deleted.end());
  done.insert(outcome.gone.begin(), outcome.gone.end());
  std::erase_if(done, [&](const ObjectKey& key) {
    return !ContainsKey(application.target.tombstones, key);  // Named again since.
  });
  changes.removed.assign(done.begin(), done.end());
  PendingPersist persist;
  persist.cause = PendingPersist::Cause::kOutcome;
  if (!changes.removed.empty()) {
    // A tombstone that outlived its delete could hit what others put there later.
    synced = true;
    DropDeletes(done, &target);
    persist.records.emplace_back(std::move(target));
  }
  if (!changes.set.empty() || !changes.removed.empty()) {
    persist.records.emplace_back(std::move(changes));
  }
  if (persist.records.empty()) {
    FinishRun(outcome, absl::OkStatus());
    return;
  }
  persist.outcome = outcome;
  Persist(std::move(persist), {}, synced);
}

void Stepper::FinishRun(const ReconcileOutcome& outcome, const absl::Status& persisted) {
  LiveApplication& live = state_.live.at(outcome.application);
  const ApplicationRecord& target = state_.durable.applications.at(outcome.application).target;
  const LiveApplication::Run run = std::move(*live.run);
  live.run.reset();
  live.stale = true;
  if (persisted.ok()) live.unrecorded.clear();
  NoteDrift(outcome, &live);
  NoteFindings(outcome, run, &live);
  if (outcome.interrupted || run.cancelled) {
    // Deletes wait for a clean look, which no timer has been set for.
    live.everything = live.everything || run.everything || !live.problems.empty();
    live.deletes_due = live.deletes_due || run.deletes;
    for (const ObjectKey& key : run.keys) {
      if (target.manifest->Find(key) != nullptr) live.dirty.insert(key);
    }
    return;
  }
  for (const ObjectKey& key : outcome.deleted) {
    if (target.manifest->Find(key) != nullptr) live.dirty.insert(key);
  }
  if (!outcome.damaged.empty()) {
    state_.damaged.insert(outcome.damaged.begin(), outcome.damaged.end());
    StartFetch();
  }
  const auto heals = [](const auto& item) { return CanHeal(item.second); };
  const bool retry =
      !persisted.ok() || std::any_of(live.problems.begin(), live.problems.end(), heals);
  if (run.everything && persisted.ok()) live.report.last_compared = now_;
  if (!retry) live.failures = 0;
  if (!retry && !run.everything) return;
  absl::Duration wait = target.options.interval;
  if (retry) wait = std::min(wait, Backoff(++live.failures));
  if (target.releasing.has_value() && !target.held && !retry) return;
  effects_.emplace_back(
      agent_effect::SetTimer{{TimerId::Kind::kReconcile, outcome.application}, Jittered(wait)});
}

void Stepper::NoteFindings(const ReconcileOutcome& outcome, const LiveApplication::Run& run,
                           LiveApplication* live) {
  const bool whole = run.everything && !outcome.interrupted && !run.cancelled;
  const std::set<ObjectKey> looked(run.keys.begin(), run.keys.end());
  const ManifestPtr& manifest = state_.durable.applications.at(outcome.application).target.manifest;
  const auto over = [&](const auto& item) {
    if (whole || looked.contains(item.first)) return true;
    return run.deletes && manifest->Find(item.first) == nullptr;
  };
  const bool was_clean = live->problems.empty() && live->foreign.empty();
  std::erase_if(live->problems, over);
  std::erase_if(live->foreign, over);
  std::erase_if(live->unhealthy, over);
  for (const auto& problem : outcome.problems) live->problems[problem.key] = problem.status;
  for (const auto& foreign : outcome.foreign) live->foreign[foreign.key] = foreign;
  // What went wrong may have kept others from being written: now they can be.
  const bool clean = live->problems.empty() && live->foreign.empty();
  if (clean && !was_clean && !whole) live->everything = true;
  for (const auto& object : outcome.unhealthy) live->unhealthy[object.key] = object;
  for (const auto& owned : outcome.owned) live->report.writes += owned.written ? 1 : 0;
  live->report.deletes += outcome.deleted.size();
}

void Stepper::NoteDrift(const ReconcileOutcome& outcome, LiveApplication* live) {
  for (const ReconcileOutcome::Owned& owned : outcome.owned) {
    const auto noticed = live->noticed.find(owned.key);
    if (owned.written && owned.drifted) {
      DriftReport drift;
      drift.application = outcome.application;
      drift.key = owned.key;
      drift.kind = owned.missing ? DriftReport::Kind::kDeleted : DriftReport::Kind::kModified;
      drift.fields = owned.fields;
      drift.time = noticed == live->noticed.end() ? now_ : noticed->second;
      drift.restored_in = now_ - drift.time;
      state_.drifts.push_back(std::move(drift));
    }
    if (noticed != live->noticed.end()) live->noticed.erase(noticed);
  }
  // What was equal again is no drift any more; what waits for a run keeps its time.
  std::erase_if(live->noticed, [&](const auto& item) { return !live->dirty.contains(item.first); });
  LimitDrifts();
}

}  // namespace lockstep
