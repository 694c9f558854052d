#include "agent/loop/timers.h"

namespace lockstep {

Timers::Timers(const Clock* clock) : clock_(clock) {
  thread_ = Thread("timers", [this] { Run(); });
}

void Timers::Set(const void* owner, const TimerId& id, absl::Duration after, Fire fire) {
  const absl::Duration at = clock_->Monotonic() + after;
  const Key key(owner, id);
  MutexLock lock(&mutex_);
  Drop(key);
  timers_[key] = {at, std::move(fire)};
  due_.emplace(at, key);
  if (due_.begin()->second == key) wakeup_.Wake();
}

void Timers::Cancel(const void* owner, const TimerId& id) {
  MutexLock lock(&mutex_);
  Drop({owner, id});
}

void Timers::CancelAll(const void* owner) {
  MutexLock lock(&mutex_);
  auto timer = timers_.lower_bound(Key(owner, TimerId{TimerId::Kind::kReconcile, ""}));
  while (timer != timers_.end() && timer->first.first == owner) {
    due_.erase({timer->second.first, timer->first});
    timer = timers_.erase(timer);
  }
  // The condition runs with the lock held, which the analysis does not see.
  using Wait = std::pair<const Timers*, const void*>;
  const auto idle = +[](const Wait* wait) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return wait->first->firing_ != wait->second;
  };
  const Wait wait(this, owner);
  mutex_.Await(absl::Condition(idle, &wait));
}

void Timers::Stop() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  wakeup_.Wake();
  thread_.Join();
}

void Timers::Drop(const Key& key) {
  const auto timer = timers_.find(key);
  if (timer == timers_.end()) return;
  due_.erase({timer->second.first, key});
  timers_.erase(timer);
}

void Timers::Run() {
  Key key;
  Fire fire;
  while (TakeDue(&key, &fire)) {
    fire(key.second);
    MutexLock lock(&mutex_);
    firing_ = nullptr;
  }
}

bool Timers::TakeDue(Key* key, Fire* fire) {
  while (true) {
    absl::Duration wait = absl::InfiniteDuration();
    {
      MutexLock lock(&mutex_);
      if (stopped_) return false;
      if (!due_.empty()) wait = due_.begin()->first - clock_->Monotonic();
      if (wait <= absl::ZeroDuration()) {
        *key = due_.begin()->second;
        *fire = std::move(timers_.at(*key).second);
        Drop(*key);
        firing_ = key->first;
        return true;
      }
    }
    wakeup_.Wait(wait);
  }
}

}  // namespace lockstep
