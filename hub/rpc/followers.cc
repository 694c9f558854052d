#include "hub/rpc/followers.h"

#include <algorithm>
#include <utility>

namespace lockstep {

Followers::Followers(std::function<absl::Status(const PeerIdentity&)> check_user,
                     const Clock* clock)
    : check_user_(std::move(check_user)), clock_(clock) {}

Followers::~Followers() { Stop(); }

void Followers::Start() {
  thread_ = Thread("watch", [this] { Run(); });
}

void Followers::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  wakeup_.Wake();
  thread_.Join();
  for (const auto& follower : All())
    follower->EndFollowing(absl::UnavailableError("the hub is going down"));
}

void Followers::Changed(uint64_t sequence) {
  {
    MutexLock lock(&mutex_);
    sequence_ = sequence;
    if (std::exchange(changed_, true)) return;
  }
  wakeup_.Wake();
}

uint64_t Followers::sequence() const {
  MutexLock lock(&mutex_);
  return sequence_;
}

void Followers::Add(const std::shared_ptr<Follower>& follower) {
  bool stopping = false;
  {
    MutexLock lock(&mutex_);
    stopping = stopping_;
    if (!stopping) followers_[follower.get()] = follower;
  }
  if (stopping) follower->EndFollowing(absl::UnavailableError("the hub is going down"));
}

void Followers::Remove(Follower* follower) {
  MutexLock lock(&mutex_);
  followers_.erase(follower);
}

void Followers::Run() {
  absl::Duration check_at = clock_->Monotonic() + kCheckInterval;
  absl::Duration poke_at = clock_->Monotonic();  // Not before.
  while (true) {
    const absl::Duration now = clock_->Monotonic();
    absl::Duration next = check_at;
    bool poke = false;
    {
      MutexLock lock(&mutex_);
      if (stopping_) return;
      poke = changed_ && now >= poke_at;
      if (poke) changed_ = false;
      if (changed_) next = std::min(next, poke_at);
    }
    if (poke) {
      for (const auto& follower : All()) follower->Poke();
      poke_at = clock_->Monotonic() + kWakeInterval;
      continue;
    }
    if (now >= check_at) {
      check_at = now + kCheckInterval;
      EndRemovedUsers();
      continue;
    }
    wakeup_.Wait(next - now);
  }
}

void Followers::EndRemovedUsers() {
  for (const auto& follower : All()) {
    if (absl::Status status = check_user_(follower->user()); !status.ok())
      follower->EndFollowing(status);
  }
}

std::vector<std::shared_ptr<Follower>> Followers::All() const {
  std::vector<std::shared_ptr<Follower>> all;
  MutexLock lock(&mutex_);
  for (const auto& [key, follower] : followers_) {
    if (std::shared_ptr<Follower> alive = follower.lock()) all.push_back(std::move(alive));
  }
  return all;
}

}  // namespace lockstep
