#include "hub/identity/failure_limit.h"

namespace lockstep {
namespace {

constexpr absl::Duration kWindow = absl::Minutes(1);

}  // namespace

bool FailureLimit::Exceeded(const std::string& address, absl::Duration now) {
  MutexLock lock(&mutex_);
  const auto found = failures_.find(address);
  return found != failures_.end() && found->second.size() == per_minute_ &&
         now - found->second.front() < kWindow;
}

void FailureLimit::Add(const std::string& address, absl::Duration now) {
  MutexLock lock(&mutex_);
  if (failures_.size() >= kAddressesMax && !failures_.contains(address)) {
    absl::erase_if(failures_,
                   [now](const auto& entry) { return now - entry.second.back() >= kWindow; });
    if (failures_.size() >= kAddressesMax) failures_.clear();
  }
  Times& times = failures_[address];
  times.push_back(now);
  if (times.size() > per_minute_) times.pop_front();
}

}  // namespace lockstep
