#include "agent/loop/reconciler.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "agent/apply/plan.h"
#include "common/base/status.h"
#include "common/object/json.h"

namespace lockstep {
namespace {

constexpr size_t kChunkObjects = 256;
constexpr size_t kChunkBytes = 512 * 1024;

// Whether the blob is the object that the manifest says it is.
absl::Status CheckIsObject(const Value& value, const ObjectKey& key) {
  const absl::string_view version = value.StringAt("apiVersion");
  const size_t slash = version.find('/');
  const absl::string_view group =
      slash == absl::string_view::npos ? absl::string_view() : version.substr(0, slash);
  const Value* metadata = value.Find("metadata");
  const bool same = group == key.group && value.StringAt("kind") == key.kind &&
                    metadata != nullptr && metadata->StringAt("name") == key.name;
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("its content is of another object: ", value.StringAt("kind"), " ",
                   metadata == nullptr ? "" : metadata->StringAt("name")));
}

class Reconciler {
 public:
  Reconciler(const ReconcileTask& task, Target& target, const AgentStorage& storage,
             const Cancellation& cancel)
      : task_(task),
        target_(target),
        storage_(storage),
        cancel_(cancel),
        as_{task.application, task.account, task.default_namespace} {
    outcome_.run = task.run;
    outcome_.application = task.application;
  }

  ReconcileOutcome Run() {
    ObserveDesired();
    ObserveDeletes();
    if (!outcome_.interrupted) {
      ApplyPlan plan = PlanApply({task_.application, desired_, deletes_, task_.inventory, observed_,
                                  task_.accept_foreign});
      std::move(plan.taken.begin(), plan.taken.end(), std::back_inserter(outcome_.owned));
      outcome_.foreign = std::move(plan.foreign);
      outcome_.gone = std::move(plan.gone);
      bool goes_on = MakeNamespace(plan);
      for (const auto& stage : plan.write_stages) goes_on = goes_on && WriteStage(stage);
      if (goes_on && outcome_.problems.empty() && outcome_.foreign.empty()) {
        for (const auto& stage : plan.delete_stages) DeleteStage(stage);
      }
    }
    outcome_.interrupted = outcome_.interrupted || cancel_.cancelled();
    outcome_.complete =
        !outcome_.interrupted && outcome_.problems.empty() && outcome_.foreign.empty();
    return std::move(outcome_);
  }

 private:
  using Blobs = std::vector<std::pair<ObjectKey, Digest>>;

  // Loads and hands on `blobs` in chunks: `use(begin, values)` with the values of blobs[begin, …).
  // An object that cannot be loaded is a problem and has no value.
  template <typename Use>
  void InChunks(const Blobs& blobs, const Use& use) {
    for (size_t begin = 0; begin < blobs.size() && !Interrupted();) {
      std::vector<std::optional<Value>> values;
      size_t bytes = 0;
      while (begin + values.size() < blobs.size() && values.size() < kChunkObjects &&
             bytes < kChunkBytes) {
        const auto& [key, digest] = blobs[begin + values.size()];
        values.push_back(Load(key, digest, &bytes));
      }
      const size_t count = values.size();
      use(begin, std::move(values));
      begin += count;
    }
  }

  std::optional<Value> Load(const ObjectKey& key, const Digest& digest, size_t* bytes) {
    if (auto kept = kept_.extract(key); !kept.empty()) return std::move(kept.mapped());
    const absl::StatusOr<std::string> blob = storage_.ReadBlob(digest);
    if (!blob.ok()) {
      outcome_.damaged.push_back(digest);
      Problem(key, absl::UnavailableError(
                       absl::StrCat(blob.status().message(), "; it is fetched again")));
      return std::nullopt;
    }
    *bytes += blob->size();
    absl::StatusOr<Value> value = ReadJson(*blob, digest.Short());
    absl::Status status = value.ok() ? CheckIsObject(*value, key) : value.status();
    if (status.ok()) return *std::move(value);
    Problem(key, std::move(status));
    return std::nullopt;
  }

  void ObserveDesired() {
    Blobs blobs;
    if (task_.everything) {
      for (const ManifestEntry& entry : task_.manifest->entries()) {
        blobs.emplace_back(entry.key, entry.blob);
      }
    } else {
      for (const ObjectKey& key : task_.keys) {
        const ManifestEntry* entry = task_.manifest->Find(key);
        if (entry != nullptr) blobs.emplace_back(key, entry->blob);
      }
    }
    InChunks(blobs, [&](size_t begin, std::vector<std::optional<Value>> values) {
      std::vector<LookAt> looks;
      std::vector<Digest> digests;
      for (size_t i = 0; i < values.size(); ++i) {
        if (!values[i].has_value()) continue;
        const auto& [key, digest] = blobs[begin + i];
        LookAt look{key, &*values[i]};
        if (const auto entry = task_.inventory.find(key); entry != task_.inventory.end()) {
          look.mark = entry->second.mark;
          look.applied = entry->second.applied == digest;
        }
        looks.push_back(std::move(look));
        digests.push_back(digest);
      }
      std::vector<absl::StatusOr<Observation>> seen = target_.Observe(as_, looks, cancel_);
      for (size_t i = 0; i < seen.size(); ++i) {
        if (!Check(looks[i].key, seen[i].status())) continue;
        desired_.push_back({looks[i].key, digests[i]});
        NoteHealth(*seen[i]);
        observed_.push_back(*std::move(seen[i]));
      }
      keeps_ = values.size() == blobs.size();
      for (size_t i = 0; i < values.size(); ++i) Keep(blobs[begin + i].first, std::move(values[i]));
    });
  }

  // For the next time that it is wanted, where all of the task is one chunk.
  void Keep(const ObjectKey& key, std::optional<Value> value) {
    if (keeps_ && value.has_value()) kept_.emplace(key, *std::move(value));
  }

  void ObserveDeletes() {
    if (task_.deletes.empty() || Interrupted()) return;
    std::vector<LookAt> looks;
    for (const ObjectKey& key : task_.deletes) looks.push_back({key});
    std::vector<absl::StatusOr<Observation>> seen = target_.Observe(as_, looks, cancel_);
    for (size_t i = 0; i < seen.size(); ++i) {
      if (!Check(looks[i].key, seen[i].status())) continue;
      deletes_.push_back(looks[i].key);
      observed_.push_back(*std::move(seen[i]));
    }
  }

  void NoteHealth(const Observation& seen) {
    if (seen.health != Health::kDegraded) return;
    outcome_.unhealthy.push_back({seen.key, "Degraded", seen.health_message});
  }

  // Where something is to be made in it. Whether the writes may begin.
  bool MakeNamespace(const ApplyPlan& plan) {
    if (!task_.create_namespace) return true;
    const auto needs = [this](const PlannedWrite& write) {
      return write.missing &&
             (write.key.namespace_ == task_.default_namespace || write.key.namespace_.empty());
    };
    const bool needed = std::any_of(
        plan.write_stages.begin(), plan.write_stages.end(),
        [&](const auto& stage) { return std::any_of(stage.begin(), stage.end(), needs); });
    if (!needed || Interrupted()) return !Interrupted();
    const ObjectKey key{"", "Namespace", "", task_.default_namespace};
    return Check(key, target_.MakeNamespace(as_, task_.default_namespace, cancel_));
  }

  // Whether the next stage may begin.
  bool WriteStage(const std::vector<PlannedWrite>& stage) {
    Blobs blobs;
    for (const PlannedWrite& write : stage) blobs.emplace_back(write.key, write.blob);
    const size_t problems = outcome_.problems.size();
    InChunks(blobs, [&](size_t begin, std::vector<std::optional<Value>> values) {
      auto wanted = Wanted(blobs, begin, std::move(values));
      const std::vector<absl::Status> valid = target_.Validate(as_, wanted, cancel_);
      for (size_t i = 0; i < valid.size(); ++i) Check(wanted[i].key, valid[i]);
      for (WantedObject& object : wanted) Keep(object.key, std::move(object.value));
    });
    if (outcome_.problems.size() > problems || Interrupted()) return false;
    InChunks(blobs, [&](size_t begin, std::vector<std::optional<Value>> values) {
      const auto wanted = Wanted(blobs, begin, std::move(values));
      const auto written = target_.Apply(as_, wanted, cancel_);
      for (size_t i = 0; i < written.size(); ++i) {
        if (Check(wanted[i].key, written[i].status())) {
          NoteWritten(stage[begin + i], *written[i]);
        }
      }
    });
    return outcome_.problems.size() == problems && !Interrupted();
  }

  // All of the chunk: what cannot be loaded was found out while observing.
  static std::vector<WantedObject> Wanted(const Blobs& blobs, size_t begin,
                                          std::vector<std::optional<Value>> values) {
    std::vector<WantedObject> wanted;
    for (size_t i = 0; i < values.size() && values[i].has_value(); ++i) {
      wanted.push_back({blobs[begin + i].first, *std::move(values[i])});
    }
    return wanted;
  }

  void NoteWritten(const PlannedWrite& write, const Written& written) {
    ReconcileOutcome::Owned owned;
    owned.key = write.key;
    owned.entry = {written.uid, write.blob, {}, written.mark};
    owned.was_owned = write.was_owned;
    owned.written = true;
    owned.drifted = write.drifted;
    owned.missing = write.missing;
    owned.fields = write.fields;
    outcome_.owned.push_back(std::move(owned));
  }

  void DeleteStage(const std::vector<PlannedDelete>& stage) {
    if (Interrupted()) return;
    std::vector<DeleteRequest> requests;
    for (const PlannedDelete& planned : stage) requests.push_back({planned.key, planned.uid});
    const std::vector<absl::Status> deleted = target_.Delete(as_, requests, cancel_);
    for (size_t i = 0; i < deleted.size(); ++i) {
      if (absl::IsFailedPrecondition(deleted[i])) {
        outcome_.gone.push_back(requests[i].key);  // Another object took its place.
      } else if (Check(requests[i].key, deleted[i])) {
        outcome_.deleted.push_back(requests[i].key);
      }
    }
  }

  // Whether the call for this object went well; else notes why not.
  bool Check(const ObjectKey& key, const absl::Status& status) {
    if (status.ok()) return true;
    if (absl::IsCancelled(status)) {
      outcome_.interrupted = true;
    } else {
      Problem(key, status);
    }
    return false;
  }

  void Problem(const ObjectKey& key, absl::Status status) {
    outcome_.problems.push_back({key, std::move(status)});
  }

  bool Interrupted() const { return outcome_.interrupted || cancel_.cancelled(); }

  const ReconcileTask& task_;
  Target& target_;
  const AgentStorage& storage_;
  const Cancellation& cancel_;
  const ActingAs as_;

  std::vector<ManifestEntry> desired_;
  std::vector<ObjectKey> deletes_;
  std::vector<Observation> observed_;
  bool keeps_ = false;
  std::map<ObjectKey, Value> kept_;  // Read and parsed; one chunk at most.
  ReconcileOutcome outcome_;
};

}  // namespace

ReconcileOutcome RunReconcile(const ReconcileTask& task, Target& target,
                              const AgentStorage& storage, const Cancellation& cancel) {
  return Reconciler(task, target, storage, cancel).Run();
}

}  // namespace lockstep
