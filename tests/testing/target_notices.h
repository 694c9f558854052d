#pragma once

#include <map>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>

#include "agent/target/target.h"
#include "common/base/mutex.h"
#include "common/object/json.h"

namespace lockstep {

/// Collects what a watch tells, and waits for it.
class Notices {
 public:
  Target::Changed Callback() {
    return [this](std::vector<ObjectKey> keys) {
      MutexLock lock(&mutex_);
      for (ObjectKey& key : keys) ++seen_[key];
      if (keys.empty()) everything_ = true;
    };
  }

  /// Whether `key`, or everything, was told of before a generous time was over.
  bool Wait(const ObjectKey& key) {
    MutexLock lock(&mutex_);
    waiting_for_ = key;
    return mutex_.AwaitWithTimeout(absl::Condition(this, &Notices::HasIt), absl::Seconds(60));
  }

  void Forget() {
    MutexLock lock(&mutex_);
    seen_.clear();
    everything_ = false;
  }

  int Count(const ObjectKey& key) {
    MutexLock lock(&mutex_);
    return seen_[key];
  }

 private:
  bool HasIt() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return everything_ || seen_.contains(waiting_for_);
  }

  Mutex mutex_;
  std::map<ObjectKey, int> seen_ ABSL_GUARDED_BY(mutex_);
  bool everything_ ABSL_GUARDED_BY(mutex_) = false;
  ObjectKey waiting_for_ ABSL_GUARDED_BY(mutex_);
};

inline Value ConfigMapValue(absl::string_view name, absl::string_view text) {
  return *ReadJson(absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")",
                                name, R"(","namespace":"shop"},"data":{"text":")", text, R"("}})"),
                   "test");
}

inline ObjectKey ConfigMapKey(absl::string_view name) {
  return {"", "ConfigMap", "shop", std::string(name)};
}

}  // namespace lockstep
