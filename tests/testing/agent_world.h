#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "agent/core/step.h"
#include "agent/loop/reconciler.h"
#include "agent/store/storage.h"
#include "common/bundle/delta.h"
#include "common/object/json.h"
#include "tests/testing/memory_target.h"
#include "tests/testing/status.h"

namespace lockstep {

/// A store in memory that forgets at a crash what was not synced, and fails on demand.
class ModelStorage : public AgentStorage {
 public:
  absl::Status Write(const agent_effect::Persist& persist) override {
    if (!failure.ok()) return failure;
    for (const auto& [digest, bytes] : persist.blobs) blobs_[digest] = bytes;
    records_.insert(records_.end(), persist.records.begin(), persist.records.end());
    if (persist.synced) {
      ++syncs;
      synced_records_ = records_.size();
      synced_blobs_ = blobs_;
    }
    return absl::OkStatus();
  }
  absl::Status AddBlob(const Digest& digest, absl::string_view bytes) override {
    if (!failure.ok()) return failure;
    if (Digest::Of(bytes) != digest) return absl::InvalidArgumentError("not that blob");
    blobs_[digest] = std::string(bytes);
    return absl::OkStatus();
  }
  absl::StatusOr<std::string> ReadBlob(const Digest& digest) const override {
    const auto found = blobs_.find(digest);
    if (found == blobs_.end()) return absl::NotFoundError("no such blob");
    if (damaged.contains(digest)) return absl::DataLossError("damaged");
    return found->second;
  }
  bool WantsSweep() const override { return false; }
  absl::Status Sweep(const DurableState&, const std::set<Digest>&) override {
    return absl::OkStatus();
  }

  /// What a restart finds. With `power_lost`, what was not synced is gone.
  DurableState Load(bool power_lost) {
    if (power_lost) {
      records_.resize(synced_records_);
      blobs_ = synced_blobs_;
    }
    DurableState state;
    for (const Record& record : records_) ApplyRecord(record, &state);
    return state;
  }

  absl::Status failure;
  std::set<Digest> damaged;
  int syncs = 0;

 private:
  std::vector<Record> records_;
  std::map<Digest, std::string> blobs_;
  size_t synced_records_ = 0;
  std::map<Digest, std::string> synced_blobs_;
};

/// The objects of one application by name, ConfigMaps in namespace "shop": name → text.
using Texts = std::map<std::string, std::string>;

inline ObjectKey TextKey(absl::string_view name) {
  return {"", "ConfigMap", "shop", std::string(name)};
}
inline std::string TextBlob(absl::string_view name, absl::string_view text) {
  return CanonicalJson(
      *ReadJson(absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")", name,
                             R"(","namespace":"shop"},"data":{"text":")", text, R"("}})"),
                "test"));
}
inline ManifestPtr TextManifest(const Texts& texts) {
  std::vector<ManifestEntry> entries;
  for (const auto& [name, text] : texts) {
    entries.push_back({TextKey(name), Digest::Of(TextBlob(name, text))});
  }
  return *Manifest::Make(std::move(entries));
}

/// One agent core with a store and a target in memory, on virtual time: its effects are carried out
/// at once, in order, on the test's own thread. Plays the hub as well.
class AgentWorld {
 public:
  AgentWorld() { Restart(); }

  /// The process is killed and started again, and links up.
  void Restart(bool power_lost = false) {
    crashed = false;
    events_.clear();
    timers.clear();
    state = AgentState();
    agent_event::Started started;
    started.durable = storage.Load(power_lost);
    started.facts = {"test", target_kind, target_uid, {}};
    started.seed = 7;
    Post(std::move(started));
    if (connect) Connect();
  }
  void Connect() {
    Post(agent_event::LinkUp{});
    Welcome welcome;
    welcome.session = std::string(16, 's');
    welcome.hub_incarnation = incarnation;
    welcome.epoch = epoch;
    welcome.at = at;
    welcome.verdict = verdict;
    Receive(std::move(welcome));
  }
  void Disconnect() { Post(agent_event::LinkDown{}); }

  /// Steps `event` and all that follows from it.
  void Post(AgentEvent event) {
    events_.push_back(std::move(event));
    while (!events_.empty() && !crashed) {
      const AgentEvent next = std::move(events_.front());
      events_.pop_front();
      Take(next);
    }
  }
  void Receive(HubMessage message) { Post(agent_event::Received{std::move(message)}); }
  void Fire(TimerId timer) {
    timers.erase(timer);
    Post(agent_event::TimerFired{std::move(timer)});
  }

  /// The hub's answer to a Fetch that waits for it.
  void Deliver(const agent_effect::Fetch& fetch) {
    Answer(agent_effect::Fetch(fetch));
    AgentEvent event = std::move(events_.back());
    events_.pop_back();
    Post(std::move(event));
  }

  /// A delta from what the hub last sent to `texts`, with all new blobs inline; see `by_document`.
  ApplicationTarget Target(const std::string& name, const Texts& texts,
                           const ApplicationOptions& options = {}) {
    const ManifestPtr next = TextManifest(texts);
    auto message = std::make_shared<DeltaMessage>();
    const ManifestPtr base = sent.contains(name) ? sent[name] : EmptyManifest();
    message->delta = ComputeDelta(*base, *next);
    for (const auto& [key, text] : texts) {
      const std::string blob = TextBlob(key, text);
      if (inline_blobs && !base->HasBlob(Digest::Of(blob))) message->data[Digest::Of(blob)] = blob;
      hub_blobs[Digest::Of(blob)] = blob;
    }
    ApplicationTarget sends;
    sends.name = name;
    sends.generation = ++generations[name];
    if (by_document) {
      const std::string bytes = EncodeDocument(message->delta, {});
      hub_blobs[Digest::Of(bytes)] = bytes;
      sends.content =
          DocumentReference{Digest::Of(bytes), bytes.size(), base->digest(), next->digest()};
    } else {
      sends.content = std::shared_ptr<const DeltaMessage>(std::move(message));
    }
    sends.options = EncodeOptions(options);
    sends.options_digest = Digest::Of(*sends.options);
    sends.complete = true;
    sends.revision = "main@sha1:0";
    sent[name] = next;
    return sends;
  }
  ApplicationTarget Release(const std::string& name, ReleaseObjects objects) {
    ApplicationTarget sends;
    sends.name = name;
    sends.generation = ++generations[name];
    sends.content = objects;
    sent.erase(name);
    return sends;
  }
  /// A Desired as the hub would send it now.
  Desired Message(std::vector<ApplicationTarget> applications) {
    Desired desired;
    desired.seq = ++seq;
    desired.epoch = epoch;
    desired.at = at = {at.counter + 1, Digest::Of(absl::StrCat("chain", at.counter + 1))};
    desired.applications = std::move(applications);
    return desired;
  }
  void SendTargets(std::vector<ApplicationTarget> applications) {
    Receive(Message(std::move(applications)));
  }
  void SendTexts(const std::string& name, const Texts& texts,
                 const ApplicationOptions& options = {}) {
    SendTargets({Target(name, texts, options)});
  }

  const Ack& ack() const { return acks.back(); }
  /// The newest report of an application.
  const ApplicationReport& report(const std::string& name) const { return reports.at(name); }
  /// What lies in the target, by name.
  Texts There() const {
    Texts texts;
    for (const auto& [key, stored] : target.objects()) {
      texts[key.name] = std::string(stored.value.Find("data")->StringAt("text"));
    }
    return texts;
  }
  std::set<std::string> InventoryOf(const std::string& name) const {
    std::set<std::string> names;
    const auto application = state.durable.applications.find(name);
    if (application == state.durable.applications.end()) return names;
    for (const auto& [key, entry] : application->second.inventory) names.insert(key.name);
    return names;
  }

  AgentState state;
  ModelStorage storage;
  MemoryTarget target;
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);

  // The hub's side.
  TargetKind target_kind = TargetKind::kDirectory;  // Counts from the next Restart on.
  std::string target_uid = std::string(16, 'u');    // The same.
  bool connect = true;
  bool inline_blobs = true;
  bool by_document = false;  // Deltas are fetched.
  bool answer_fetches = true;
  bool hold_runs = false;  // Reconcile effects wait in `runs`.
  std::string incarnation = std::string(16, 'h');
  uint64_t epoch = 1;
  Verdict verdict = Verdict::kNoop;
  uint64_t seq = 0;
  CommitPoint at{1, Digest::Of("chain1")};
  std::map<std::string, ManifestPtr> sent;
  std::map<std::string, uint64_t> generations;
  std::map<Digest, std::string> hub_blobs;

  // What the agent did.
  std::vector<Ack> acks;
  std::vector<Hello> hellos;
  std::vector<Pages> pages;
  std::vector<StatusReport> statuses;
  std::map<std::string, ApplicationReport> reports;
  std::vector<DriftReport> drifts;
  std::vector<agent_effect::Fetch> fetches;
  std::deque<ReconcileTask> runs;
  std::set<uint64_t> cancelled;
  std::map<TimerId, absl::Duration> timers;
  std::map<std::string, ManifestPtr> watched;
  std::string stopped;
  absl::Status stop_kept;
  bool crashed = false;
  /// Asked before every effect; true kills the process there.
  std::function<bool(const AgentEffect&)> crash_before;

  /// Carries out the first waiting run.
  void RunNext() {
    const ReconcileTask task = std::move(runs.front());
    runs.pop_front();
    Run(task);
  }

 private:
  void Take(const AgentEvent& event) {
    for (const AgentEffect& effect : Step(state, event, now)) {
      if (crash_before && crash_before(effect)) crashed = true;
      if (crashed) return;
      std::visit([this](const auto& one) { Do(one); }, effect);
      if (crashed) return;
    }
  }

  void Do(const agent_effect::Persist& effect) {
    Take(agent_event::PersistDone{storage.Write(effect)});
  }
  void Do(const agent_effect::Send& effect) {
    if (const auto* hello = std::get_if<Hello>(&effect.message)) hellos.push_back(*hello);
    if (const auto* ack = std::get_if<Ack>(&effect.message)) acks.push_back(*ack);
    if (const auto* page = std::get_if<Pages>(&effect.message)) pages.push_back(*page);
    if (const auto* status = std::get_if<StatusReport>(&effect.message)) {
      statuses.push_back(*status);
      for (const ApplicationReport& report : status->applications) reports[report.name] = report;
      drifts.insert(drifts.end(), status->drifts.begin(), status->drifts.end());
    }
  }
  void Do(const agent_effect::Fetch& effect) {
    fetches.push_back(effect);
    if (answer_fetches) Answer(effect);
  }
  void Answer(const agent_effect::Fetch& effect) {
    std::map<Digest, std::string> documents;
    for (const DocumentReference& document : effect.documents)
      documents[document.digest] = hub_blobs.at(document.digest);
    for (const Digest& digest : effect.digests) {
      storage.damaged.erase(digest);
      const absl::Status status = storage.AddBlob(digest, hub_blobs.at(digest));
      if (status.ok()) continue;
      events_.push_back(agent_event::FetchFailed{effect.fetch, status});
      return;
    }
    events_.push_back(agent_event::BlobsStored{effect.fetch, std::move(documents)});
  }
  void Do(const agent_effect::Reconcile& effect) {
    if (hold_runs) {
      runs.push_back(effect.task);
    } else {
      Run(effect.task);
    }
  }
  void Do(const agent_effect::CancelReconcile& effect) { cancelled.insert(effect.run); }
  void Do(const agent_effect::Watch& effect) { watched[effect.application] = effect.manifest; }
  void Do(const agent_effect::Unwatch& effect) { watched.erase(effect.application); }
  void Do(const agent_effect::SetTimer& effect) { timers[effect.timer] = effect.after; }
  void Do(const agent_effect::CancelTimer& effect) { timers.erase(effect.timer); }
  void Do(const agent_effect::Stop& effect) {
    stopped = effect.reason;
    stop_kept = effect.kept;
  }

  void Run(const ReconcileTask& task) {
    Cancellation cancel;
    if (cancelled.contains(task.run)) cancel.Cancel();
    ReconcileOutcome outcome = RunReconcile(task, target, storage, cancel);
    if (crashed) return;
    events_.push_back(agent_event::ReconcileDone{std::move(outcome)});
    if (!hold_runs) return;
    AgentEvent event = std::move(events_.back());
    events_.pop_back();
    Post(std::move(event));
  }

  std::deque<AgentEvent> events_;
};

}  // namespace lockstep
