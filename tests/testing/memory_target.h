#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>

#include "agent/target/target.h"
#include "common/base/mutex.h"
#include "common/object/diff.h"
#include "common/object/json.h"

namespace lockstep {

/// A target in memory: objects with UIDs and owners, faults on demand, everything counted. Passes
/// the contract suite. Thread-safe; notices come on the thread of the foreign write.
class MemoryTarget : public Target {
 public:
  enum class Call : uint8_t { kObserve, kValidate, kApply, kDelete };
  struct Stored {
    Value value;
    std::string uid;
    std::string owner;
  };
  /// Asked before each object of a call; an error is that object's answer.
  using Fault = std::function<absl::Status(Call call, const ObjectKey& key)>;

  TargetKind kind() const override { return TargetKind::kKubernetes; }
  Capabilities capabilities() const override { return {.uids = true, .owners = true}; }
  absl::StatusOr<std::string> Uid() override { return std::string(16, 'm'); }

  std::vector<absl::StatusOr<ObjectKey>> Settle(const ActingAs&, const std::vector<ObjectKey>& keys,
                                                absl::string_view) override {
    return {keys.begin(), keys.end()};
  }

  std::vector<absl::StatusOr<Observation>> Observe(const ActingAs&,
                                                   const std::vector<LookAt>& objects,
                                                   const Cancellation& cancel) override {
    MutexLock lock(&mutex_);
    std::vector<absl::StatusOr<Observation>> answers;
    for (const LookAt& object : objects) {
      ++observed_;
      absl::Status status = Ask(Call::kObserve, object.key, cancel);
      if (status.ok()) {
        answers.push_back(See(object));
      } else {
        answers.push_back(std::move(status));
      }
    }
    return answers;
  }

  std::vector<absl::Status> Validate(const ActingAs&, const std::vector<WantedObject>& stage,
                                     const Cancellation& cancel) override {
    MutexLock lock(&mutex_);
    std::vector<absl::Status> answers;
    for (const WantedObject& object : stage) {
      answers.push_back(Ask(Call::kValidate, object.key, cancel));
    }
    return answers;
  }

  std::vector<absl::StatusOr<Written>> Apply(const ActingAs& as,
                                             const std::vector<WantedObject>& objects,
                                             const Cancellation& cancel) override {
    MutexLock lock(&mutex_);
    std::vector<absl::StatusOr<Written>> answers;
    for (const WantedObject& object : objects) {
      absl::Status status = Ask(Call::kApply, object.key, cancel);
      if (!status.ok()) {
        answers.push_back(std::move(status));
        continue;
      }
      ++writes_[object.key];
      Stored& stored = objects_[object.key];
      if (stored.uid.empty()) stored.uid = absl::StrCat("uid-", ++uids_);
      stored.value = object.value;
      stored.owner = as.application;
      answers.push_back(Written{stored.uid});
    }
    return answers;
  }

  std::vector<absl::Status> Delete(const ActingAs&, const std::vector<DeleteRequest>& objects,
                                   const Cancellation& cancel) override {
    MutexLock lock(&mutex_);
    std::vector<absl::Status> answers;
    for (const DeleteRequest& object : objects) {
      absl::Status status = Ask(Call::kDelete, object.key, cancel);
      const auto stored = objects_.find(object.key);
      if (status.ok() && stored != objects_.end()) {
        if (!object.uid.empty() && object.uid != stored->second.uid) {
          status = absl::FailedPreconditionError("another object has its name");
        } else {
          ++deletes_[object.key];
          objects_.erase(stored);
        }
      }
      answers.push_back(std::move(status));
    }
    return answers;
  }

  absl::Status Watch(const ActingAs& as, const std::vector<ObjectKey>& keys,
                     Changed changed) override {
    MutexLock lock(&mutex_);
    watches_.erase(as.application);
    if (!keys.empty()) watches_[as.application] = {{keys.begin(), keys.end()}, std::move(changed)};
    return absl::OkStatus();
  }

  void Stop() override {
    MutexLock lock(&mutex_);
    watches_.clear();
  }

  // The hands of others.
  void WriteForeign(const ObjectKey& key, const Value& value) {
    {
      MutexLock lock(&mutex_);
      Stored& stored = objects_[key];
      if (stored.uid.empty()) stored.uid = absl::StrCat("uid-", ++uids_);
      stored.value = value;
    }
    Tell(key);
  }
  void DeleteForeign(const ObjectKey& key) {
    {
      MutexLock lock(&mutex_);
      objects_.erase(key);
    }
    Tell(key);
  }

  void set_fault(Fault fault) {
    MutexLock lock(&mutex_);
    fault_ = std::move(fault);
  }

  std::map<ObjectKey, Stored> objects() const {
    MutexLock lock(&mutex_);
    return objects_;
  }
  std::optional<Value> Read(const ObjectKey& key) const {
    MutexLock lock(&mutex_);
    const auto stored = objects_.find(key);
    return stored == objects_.end() ? std::nullopt : std::make_optional(stored->second.value);
  }
  /// Writes and deletes carried out since the counters were last reset, in all.
  int writes() const {
    MutexLock lock(&mutex_);
    return Sum(writes_);
  }
  int deletes() const {
    MutexLock lock(&mutex_);
    return Sum(deletes_);
  }
  int writes(const ObjectKey& key) const {
    MutexLock lock(&mutex_);
    const auto count = writes_.find(key);
    return count == writes_.end() ? 0 : count->second;
  }
  int observed() const {
    MutexLock lock(&mutex_);
    return observed_;
  }
  void ResetCounters() {
    MutexLock lock(&mutex_);
    writes_.clear();
    deletes_.clear();
    observed_ = 0;
  }

 private:
  using Counts = std::map<ObjectKey, int>;

  static int Sum(const Counts& counts) {
    int sum = 0;
    for (const auto& [key, count] : counts) sum += count;
    return sum;
  }

  absl::Status Ask(Call call, const ObjectKey& key, const Cancellation& cancel)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (cancel.cancelled()) return absl::CancelledError("cancelled");
    return fault_ ? fault_(call, key) : absl::OkStatus();
  }

  Observation See(const LookAt& object) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Observation seen;
    seen.key = object.key;
    seen.place = absl::StrCat("object ", object.key.ToString());
    const auto found = objects_.find(object.key);
    if (found == objects_.end()) return seen;
    const Stored& stored = found->second;
    seen.uid = stored.uid;
    seen.owner = stored.owner;
    seen.content = Digest::Of(CanonicalJson(stored.value));
    seen.presence = Observation::Presence::kDifferent;
    if (object.wanted == nullptr) return seen;
    if (stored.value == *object.wanted) seen.presence = Observation::Presence::kEqual;
    for (const FieldDifference& field : DiffValues(*object.wanted, stored.value, 16)) {
      seen.fields.push_back(field.path);
    }
    return seen;
  }

  void Tell(const ObjectKey& key) {
    std::vector<Changed> told;
    {
      MutexLock lock(&mutex_);
      for (const auto& [application, watch] : watches_) {
        if (watch.first.contains(key)) told.push_back(watch.second);
      }
    }
    for (const Changed& changed : told) changed({key});
  }

  mutable Mutex mutex_;
  std::map<ObjectKey, Stored> objects_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::pair<std::set<ObjectKey>, Changed>> watches_ ABSL_GUARDED_BY(mutex_);
  Fault fault_ ABSL_GUARDED_BY(mutex_);
  Counts writes_ ABSL_GUARDED_BY(mutex_);
  Counts deletes_ ABSL_GUARDED_BY(mutex_);
  int observed_ ABSL_GUARDED_BY(mutex_) = 0;
  int uids_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lockstep
