#include "tests/sim/agent_process.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>

#include "agent/loop/reconciler.h"

namespace lockstep::sim {
namespace {

constexpr int kDepthMax = 6;

// What of the agent's messages a mutation lets out before it has written.
bool IsAck(const AgentEffect& effect) {
  const auto* send = std::get_if<agent_effect::Send>(&effect);
  return send != nullptr && std::holds_alternative<Ack>(send->message);
}

}  // namespace

AgentProcess::AgentProcess(World* world, Network* network, Oracle* oracle, std::string cluster,
                           ReadBlob read_blob)
    : world_(*world),
      network_(*network),
      oracle_(*oracle),
      cluster_(std::move(cluster)),
      read_blob_(std::move(read_blob)),
      target_uid_(absl::StrCat("target-of-", cluster_)),
      target_(world) {}

void AgentProcess::Enrol(Digest fingerprint) {
  if (life_ > 0) old_keys_.push_back(fingerprint_);
  fingerprint_ = fingerprint;
  lives_ = true;
  Begin();
}

// With an empty disk before whatever the target holds.
void AgentProcess::Begin() {
  Die(absl::ZeroDuration());
  ++life_;
  for (const auto& [key, stored] : target_.objects().objects()) {
    oracle_.OthersWrote(cluster_, key);
  }
  disk_ = std::make_shared<AgentDisk>(world_.settings.mutation);
  disk_->SetFull(disk_full_);
  oracle_.AgentEnrolled(cluster_);
}

void AgentProcess::LoseState() {
  if (!up_) return;
  world_.Say(cluster_, " loses what it remembers");
  Begin();
}

void AgentProcess::RebuildTarget() {
  if (!up_) return;
  world_.Say("the target of ", cluster_, " is made anew");
  Die(world_.Upto(absl::Seconds(10)));
  for (const auto& [key, stored] : target_.objects().objects()) {
    target_.objects().DeleteForeign(key);
  }
  target_uid_ += "'";
}

void AgentProcess::Crash() {
  if (!up_) return;
  if (world_.Chance(world_.settings.power_loss)) {
    const DurableState before = disk_->written();
    const std::optional<agent_effect::Persist> survived = disk_->LosePower(&world_.rng);
    if (survived.has_value()) oracle_.AgentPersists(cluster_, *survived, before);
  }
  Die(world_.Upto(absl::Seconds(10)));
}

void AgentProcess::SwitchOff(absl::Duration away) {
  if (up_) Die(away);
}

void AgentProcess::SetDiskFull(bool full) {
  disk_full_ = full;
  if (disk_ != nullptr) disk_->SetFull(full);
}

void AgentProcess::Die(absl::Duration away) {
  if (up_) world_.Say(cluster_, " dies");
  up_ = false;
  const uint64_t run = ++run_;
  if (stream_.has_value()) network_.AgentGone(*stream_);
  stream_.reset();
  target_.Stop();
  world_.time.After(away, [this, run] {
    if (run == run_ && lives_ && world_.ok()) Start();
  });
}

void AgentProcess::Start() {
  up_ = true;
  ++run_;
  timers_.clear();
  cancellations_.clear();
  failures_ = 0;
  welcomed_ = false;
  agent_event::Started started;
  absl::StatusOr<DurableState> durable = disk_->Open();
  if (!durable.ok()) return world_.Fail(absl::StrCat(cluster_, ": ", durable.status().message()));
  started.durable = *std::move(durable);
  started.facts = {"simulated", TargetKind::kDirectory, target_uid_, {}};
  started.seed = world_.rng.Next();
  world_.Say(cluster_, " starts");
  oracle_.AgentStarted(cluster_, started.durable, disk_->written());
  state_ = AgentState();
  Take(std::move(started));
  if (up_) Connect(world_.Upto(absl::Seconds(1)));
}

void AgentProcess::Later(absl::Duration delay, std::function<void()> task) {
  world_.time.After(delay, [this, run = run_, task = std::move(task)] {
    if (run == run_ && up_) task();
  });
}

void AgentProcess::Connect(absl::Duration delay) {
  Later(delay,
        [this] { network_.Connect(this, [this, run = run_] { return up_ && run == run_; }); });
}

void AgentProcess::OnLinkUp(SessionId stream) {
  stream_ = stream;
  welcomed_ = false;
  Take(agent_event::LinkUp{});
}

void AgentProcess::OnLinkDown(const std::optional<Goodbye>& goodbye, bool was_up) {
  if (!up_) return;
  stream_.reset();
  const uint64_t run = run_;
  if (was_up) Take(agent_event::LinkDown{});
  if (run != run_ || !up_) return;
  // As agent/link/backoff.h, with the waits after a refusal cut short.
  failures_ = welcomed_ ? 0 : std::min(failures_ + 1, 6);
  absl::Duration delay = absl::Seconds(1);
  if (failures_ > 0)
    delay = std::min(absl::Seconds(60), absl::Milliseconds(500) * (1 << failures_));
  if (goodbye.has_value() && goodbye->reason == Goodbye::Reason::kReplaced) {
    delay = absl::Seconds(60);
  }
  Connect(world_.Upto(delay));
}

void AgentProcess::OnMessage(const HubMessage& message) {
  if (!up_) return;
  welcomed_ |= std::holds_alternative<Welcome>(message);
  const auto* desired = std::get_if<Desired>(&message);
  if (desired == nullptr) return Take(agent_event::Received{message});
  Desired arrived = *desired;
  if (world_.settings.mutation == Mutation::kHandOverTorn && arrived.applications.size() > 1) {
    arrived.applications.erase(arrived.applications.begin() +
                               static_cast<long>(world_.rng.Below(arrived.applications.size())));
  }
  if (world_.settings.mutation == Mutation::kApprovalForged) {
    for (ApplicationTarget& target : arrived.applications) {
      const auto held = state_.durable.applications.find(target.name);
      if (held == state_.durable.applications.end()) continue;
      target.approved = KeyListDigest(held->second.target.tombstones);
    }
  }
  oracle_.AgentReceives(cluster_, arrived);
  Take(agent_event::Received{std::move(arrived)});
}

bool AgentProcess::MayDie() {
  if (!world_.Chance(world_.settings.agent_crash)) return false;
  Crash();
  return true;
}

void AgentProcess::Take(const AgentEvent& event) {
  const uint64_t run = run_;
  for (const AgentEffect& effect : Step(state_, event, world_.time.Now())) {
    if (MayDie()) return;
    std::visit([this](const auto& one) { Do(one); }, effect);
    if (run != run_ || !up_ || !world_.ok()) return;
  }
  Sweep();
}

void AgentProcess::Sweep() {
  if (state_.fetch.has_value() || state_.persisting.has_value() || !disk_->WantsSweep()) return;
  disk_->Sweep(state_.durable, BlobsToKeep(state_)).IgnoreError();
}

void AgentProcess::Do(const agent_effect::Persist& effect) {
  absl::Status status;
  const uint64_t run = run_;
  if (world_.settings.mutation == Mutation::kAgentAcknowledgesFirst) {
    AgentState ahead = state_;
    for (const AgentEffect& next :
         Step(ahead, agent_event::PersistDone{absl::OkStatus()}, world_.time.Now())) {
      if (IsAck(next)) Do(std::get<agent_effect::Send>(next));
    }
    if (run != run_ || MayDie()) return;
  }
  if (world_.Chance(world_.settings.disk_full)) {
    status = absl::ResourceExhaustedError("the disk is full");
  } else {
    if (effect.synced && world_.Chance(world_.settings.sync_fails)) {
      world_.Say(cluster_, " cannot sync");
      disk_->FailNextSync();
      Later(world_.Upto(absl::Minutes(2)), [this] { Crash(); });  // Somebody starts it again.
    }
    const DurableState before = disk_->written();
    status = disk_->Write(effect);
    if (status.ok()) oracle_.AgentPersists(cluster_, effect, before);
  }
  if (MayDie()) return;
  const bool starting = state_.status_seq == 0;
  Take(agent_event::PersistDone{status});
  // Its numbers begin where those of its last run began.
  if (starting && !status.ok()) ++life_;
}

void AgentProcess::Do(const agent_effect::Send& effect) {
  oracle_.AgentSends(cluster_, effect.message, disk_->synced());
  if (stream_.has_value()) network_.FromAgent(*stream_, effect.message);
}

void AgentProcess::Do(const agent_effect::Fetch& effect) {
  Later(world_.Upto(absl::Milliseconds(500)), [this, effect] {
    absl::Status status;
    std::map<Digest, std::string> documents;
    for (const DocumentReference& document : effect.documents) {
      absl::StatusOr<std::string> blob = read_blob_(cluster_, document.digest);
      status = blob.status();
      if (!status.ok()) break;
      documents[document.digest] = *std::move(blob);
    }
    for (const Digest& digest : effect.digests) {
      if (!status.ok()) break;
      if (disk_->ReadBlob(digest).ok()) continue;
      const absl::StatusOr<std::string> blob = read_blob_(cluster_, digest);
      status = blob.ok() ? disk_->AddBlob(digest, *blob) : blob.status();
    }
    if (status.ok() && world_.Chance(world_.settings.stream_breaks)) {
      status = absl::UnavailableError("cut off");
    }
    if (status.ok()) return Take(agent_event::BlobsStored{effect.fetch, std::move(documents)});
    Take(agent_event::FetchFailed{effect.fetch, std::move(status)});
  });
}

void AgentProcess::Do(const agent_effect::Reconcile& effect) {
  auto cancellation = std::make_shared<Cancellation>(world_.time.clock());
  cancellations_[effect.task.run] = cancellation;
  oracle_.RunStarts(cluster_, effect.task, state_);
  Later(world_.Upto(absl::Milliseconds(5)),
        [this, task = effect.task, cancellation] { Run(task, cancellation); });
}

bool AgentProcess::Pass(uint64_t run) {
  if (run != run_ || !up_ || !world_.ok() || MayDie()) return false;
  if (world_.depth > kDepthMax || world_.rng.Below(4) != 0) return true;
  ++world_.depth;
  const absl::Duration pause =
      world_.Chance(0.01) ? absl::Minutes(2) : world_.Upto(absl::Milliseconds(20));
  world_.time.RunUntil(world_.time.Now() + pause, [this] { return world_.ok(); });
  --world_.depth;
  return run == run_ && up_ && world_.ok();
}

void AgentProcess::Run(const ReconcileTask& task,
                       const std::shared_ptr<Cancellation>& cancellation) {
  const uint64_t run = run_;
  const std::shared_ptr<AgentDisk> disk = disk_;
  SimTarget::Listener before = target_.Listen({
      [this, run] { return Pass(run); },
      [&](const ActingAs&, const ObjectKey& key, const Value& value) {
        oracle_.Writes(cluster_, task, key, value, target_.objects().Read(key), state_.durable);
      },
      [&](const ActingAs&, const ObjectKey& key) {
        oracle_.Deletes(cluster_, task, key, state_.durable);
      },
  });
  ReconcileOutcome outcome = RunReconcile(task, target_, *disk, *cancellation);
  target_.Listen(std::move(before));
  if (run != run_ || !up_) return;
  cancellations_.erase(task.run);
  Later(world_.Upto(absl::Milliseconds(5)),
        [this, outcome = std::move(outcome)] { Take(agent_event::ReconcileDone{outcome}); });
}

void AgentProcess::Do(const agent_effect::CancelReconcile& effect) {
  const auto at = cancellations_.find(effect.run);
  if (at != cancellations_.end()) at->second->Cancel();
}

void AgentProcess::Do(const agent_effect::Watch& effect) {
  std::vector<ObjectKey> keys;
  for (const ManifestEntry& entry : effect.manifest->entries()) keys.push_back(entry.key);
  const auto changed = [this, name = effect.application](std::vector<ObjectKey> changes) {
    if (world_.rng.Below(4) == 0) return;  // Notices are best effort.
    Later(world_.Upto(absl::Milliseconds(20)), [this, name, changes = std::move(changes)] {
      Take(agent_event::TargetChanged{name, changes});
    });
  };
  target_.Watch({effect.application, ""}, keys, changed).IgnoreError();
}

void AgentProcess::Do(const agent_effect::Unwatch& effect) {
  target_.Watch({effect.application, ""}, {}, nullptr).IgnoreError();
}

void AgentProcess::Do(const agent_effect::SetTimer& effect) {
  const uint64_t id = next_timer_++;
  timers_[effect.timer] = id;
  Later(effect.after, [this, id, timer = effect.timer] {
    const auto at = timers_.find(timer);
    if (at == timers_.end() || at->second != id) return;
    timers_.erase(at);
    Take(agent_event::TimerFired{timer});
  });
}

void AgentProcess::Do(const agent_effect::CancelTimer& effect) { timers_.erase(effect.timer); }

void AgentProcess::Do(const agent_effect::Stop& effect) {
  world_.Say(cluster_, " ends its work: ", effect.reason);
  lives_ = false;
  Die(absl::ZeroDuration());
}

}  // namespace lockstep::sim
