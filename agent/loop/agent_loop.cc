#include "agent/loop/agent_loop.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/step.h"
#include "agent/loop/reconciler.h"
#include "common/base/log.h"

namespace lockstep {
namespace {

// After a sweep that failed: on a full disk every one copies the whole state in vain.
constexpr absl::Duration kSweepPause = absl::Minutes(1);

constexpr size_t kChangesMax = 4096;  // Of one application; beyond it everything is compared.

// For one who looks for where a change stands: what came, what was done. Names and counts alone.
void Tell(const AgentEvent& event) {
  const auto* received = std::get_if<agent_event::Received>(&event);
  const auto* desired = received == nullptr ? nullptr : std::get_if<Desired>(&received->message);
  if (desired == nullptr) return;
  for (const ApplicationTarget& target : desired->applications) {
    Log(LogLevel::kDebug, "desired state came",
        {{"seq", desired->seq},
         {"application", target.name},
         {"generation", target.generation},
         {"revision", target.revision}});
  }
}

void Tell(const ReconcileOutcome& outcome, absl::Duration took) {
  const auto written = std::count_if(outcome.owned.begin(), outcome.owned.end(),
                                     [](const auto& owned) { return owned.written; });
  Log(LogLevel::kDebug, "objects compared and applied",
      {{"application", outcome.application},
       {"objects", outcome.owned.size()},
       {"written", written},
       {"deleted", outcome.deleted.size()},
       {"problems", outcome.problems.size() + outcome.foreign.size()},
       {"took", took}});
}

}  // namespace

void AgentLoop::Start(DurableState durable) {
  agent_event::Started started;
  started.durable = std::move(durable);
  started.facts = parts_.facts;
  started.seed = parts_.seed;
  Post(std::move(started));
}

void AgentLoop::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    events_.clear();
    changes_.clear();
    for (const auto& [run, cancellation] : runs_) cancellation->Cancel();
    mutex_.Await(absl::Condition(this, &AgentLoop::IsIdle));
  }
  parts_.timers->CancelAll(this);
}

void AgentLoop::Post(AgentEvent event) {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  events_.push_back(std::move(event));
  Wake();
}

void AgentLoop::TargetChanged(const std::string& application, std::vector<ObjectKey> keys) {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  Changes& changes = changes_[application];
  changes.keys.insert(keys.begin(), keys.end());
  if (keys.empty() || changes.keys.size() > kChangesMax) changes.everything = true;
  if (changes.everything) changes.keys.clear();
  Wake();
}

void AgentLoop::Wake() {
  if (running_) return;
  running_ = true;
  parts_.loop_runner->Run([this] { Drain(); });
}

void AgentLoop::Drain() {
  while (std::optional<AgentEvent> event = Next()) {
    Take(*event);
    if (parts_.after_step) parts_.after_step(state_);
    if (state_.fetch.has_value() || parts_.clock->Monotonic() < sweep_at_ ||
        !parts_.storage->WantsSweep()) {
      continue;
    }
    const absl::Status status = parts_.storage->Sweep(state_.durable, BlobsToKeep(state_));
    if (status.ok()) continue;
    NoteStorage(status);
    Log(LogLevel::kWarning, "sweeping the state failed", {{"error", status}});
    sweep_at_ = parts_.clock->Monotonic() + kSweepPause;
  }
}

std::optional<AgentEvent> AgentLoop::Next() {
  MutexLock lock(&mutex_);
  if (!events_.empty()) {
    AgentEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  if (!changes_.empty()) {
    auto changes = changes_.extract(changes_.begin());
    const std::set<ObjectKey>& keys = changes.mapped().keys;
    return agent_event::TargetChanged{changes.key(), {keys.begin(), keys.end()}};
  }
  running_ = false;
  return std::nullopt;
}

void AgentLoop::Take(const AgentEvent& event) {
  Tell(event);
  for (AgentEffect& effect : Step(state_, event, parts_.clock->Now())) {
    std::visit([this](auto& one) { Do(one); }, effect);
  }
}

void AgentLoop::Work(std::function<void()> work) {
  {
    MutexLock lock(&mutex_);
    if (stopping_) return;
    ++working_;
  }
  parts_.work_runner->Run([this, work = std::move(work)] {
    work();
    MutexLock lock(&mutex_);
    --working_;
  });
}

void AgentLoop::NoteStorage(const absl::Status& status) {
  if (absl::IsDataLoss(status) && parts_.on_broken) parts_.on_broken(status);
}

void AgentLoop::Do(agent_effect::Persist& effect) {
  absl::Status status = parts_.storage->Write(effect);
  if (!status.ok()) Log(LogLevel::kError, "keeping state failed", {{"error", status}});
  NoteStorage(status);
  Take(agent_event::PersistDone{std::move(status)});
}

void AgentLoop::Do(agent_effect::Send& effect) {
  if (const auto* ack = std::get_if<Ack>(&effect.message)) {
    Log(LogLevel::kDebug, "desired state acknowledged", {{"through", ack->received_through}});
    for (const ApplicationAck& refused : ack->refused) {
      Log(LogLevel::kWarning, "desired state refused",
          {{"application", refused.name},
           {"generation", refused.generation},
           {"reason", refused.message}});
    }
  }
  parts_.link->Send(std::move(effect.message));
}

void AgentLoop::Do(agent_effect::Fetch& effect) {
  const uint64_t id = effect.fetch;
  std::vector<WantedBlob> blobs;
  std::set<Digest> in_memory;
  for (const DocumentReference& document : effect.documents) {
    blobs.push_back({document.digest, document.bytes});
    in_memory.insert(document.digest);
  }
  for (const Digest& digest : effect.digests) {
    // A fetch that broke before, or lasted longer than its session, goes on where it was.
    if (!parts_.storage->ReadBlob(digest).ok()) blobs.push_back({digest});
  }
  auto documents = std::make_shared<std::map<Digest, std::string>>();
  Log(LogLevel::kDebug, "fetching blobs", {{"blobs", blobs.size()}});
  parts_.fetcher->Fetch(
      std::move(blobs),
      [this, in_memory = std::move(in_memory), documents](const Digest& digest, std::string bytes) {
        if (in_memory.contains(digest)) {
          (*documents)[digest] = std::move(bytes);
          return absl::OkStatus();
        }
        absl::Status kept = parts_.storage->AddBlob(digest, bytes);
        NoteStorage(kept);
        return kept;
      },
      [this, id, documents](absl::Status status) {
        if (status.ok()) {
          Post(agent_event::BlobsStored{id, std::move(*documents)});
        } else {
          Post(agent_event::FetchFailed{id, std::move(status)});
        }
      });
}

void AgentLoop::Do(agent_effect::Reconcile& effect) {
  auto cancellation = std::make_shared<Cancellation>(parts_.clock);
  {
    MutexLock lock(&mutex_);
    runs_[effect.task.run] = cancellation;
  }
  // Shared: std::function is copied, a task is not small.
  auto task = std::make_shared<const ReconcileTask>(std::move(effect.task));
  Work([this, task, cancellation] {
    const absl::Duration begun = parts_.clock->Monotonic();
    ReconcileOutcome outcome = RunReconcile(*task, *parts_.target, *parts_.storage, *cancellation);
    const absl::Duration took = parts_.clock->Monotonic() - begun;
    Tell(outcome, took);
    if (parts_.after_run) parts_.after_run(outcome, took);
    {
      MutexLock lock(&mutex_);
      runs_.erase(task->run);
    }
    Post(agent_event::ReconcileDone{std::move(outcome)});
  });
}

void AgentLoop::Do(agent_effect::CancelReconcile& effect) {
  MutexLock lock(&mutex_);
  const auto run = runs_.find(effect.run);
  if (run != runs_.end()) run->second->Cancel();
}

void AgentLoop::Do(agent_effect::Watch& effect) {
  std::vector<ObjectKey> keys;
  for (const ManifestEntry& entry : effect.manifest->entries()) keys.push_back(entry.key);
  const absl::Status status = parts_.target->Watch(
      {effect.application, effect.account, effect.default_namespace}, keys,
      [this, application = effect.application](std::vector<ObjectKey> changed) {
        TargetChanged(application, std::move(changed));
      });
  if (!status.ok()) {
    Log(LogLevel::kWarning, "watching failed; drift is found at the interval",
        {{"application", effect.application}, {"error", status}});
  }
}

void AgentLoop::Do(agent_effect::Unwatch& effect) {
  // Ending a watch cannot fail in a way that matters: its notices name an unknown application.
  parts_.target->Watch({effect.application, ""}, {}, nullptr).IgnoreError();
}

void AgentLoop::Do(agent_effect::SetTimer& effect) {
  parts_.timers->Set(this, effect.timer, effect.after,
                     [this](const TimerId& id) { Post(agent_event::TimerFired{id}); });
}

void AgentLoop::Do(agent_effect::CancelTimer& effect) { parts_.timers->Cancel(this, effect.timer); }

void AgentLoop::Do(agent_effect::Stop& effect) {
  Log(LogLevel::kInfo, "the agent ends its work", {{"reason", effect.reason}});
  if (parts_.on_stop) parts_.on_stop(effect.reason, effect.kept);
}

}  // namespace lockstep
