#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/credentials/join_token.h"
#include "hub/identity/enrolment_server.h"

namespace lockstep {

/// A clock that a test moves while a server's thread reads it. Both kinds of time go together.
class SharedClock : public Clock {
 public:
  explicit SharedClock(absl::Time start) : start_(start) {}

  absl::Time Now() const override { return start_ + Monotonic(); }
  absl::Duration Monotonic() const override { return absl::Milliseconds(past_ms_.load()); }
  void Advance(absl::Duration by) { past_ms_ += absl::ToInt64Milliseconds(by); }

 private:
  const absl::Time start_;
  std::atomic<int64_t> past_ms_{0};
};

/// Decides as the hub's core does, in memory: a token counts once, for its cluster, for 15 minutes.
/// Thread-safe.
class FakeEnrolmentBackend : public EnrolmentBackend {
 public:
  explicit FakeEnrolmentBackend(const Clock* clock) : clock_(clock) {}

  void AddToken(const JoinToken& token) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    tokens_[HashTokenSecret(token.secret)] = {token.cluster, clock_->Now() + kJoinTokenLife};
  }
  void Revoke(const Digest& fingerprint) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    revoked_.insert(fingerprint);
  }
  std::map<std::string, Digest> enrolled() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return enrolled_;
  }
  std::string target_uid() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return target_uid_;
  }

  void Redeem(const Redemption& redemption, Done done) override { done(Decide(redemption)); }
  void AllowLateRenewal(const LateRenewal& renewal, Done done) override { done(Decide(renewal)); }

 private:
  absl::Status Decide(const Redemption& redemption) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    const auto found = tokens_.find(redemption.token_hash);
    if (found == tokens_.end() || found->second.first != redemption.cluster ||
        clock_->Now() > found->second.second) {
      return absl::PermissionDeniedError("the backend's own reason, which nobody may see");
    }
    tokens_.erase(found);
    enrolled_[redemption.cluster] = redemption.fingerprint;
    target_uid_ = redemption.target_uid;
    return absl::OkStatus();
  }
  absl::Status Decide(const LateRenewal& renewal) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    const auto found = enrolled_.find(renewal.cluster);
    const bool known = found != enrolled_.end() && found->second == renewal.fingerprint;
    return known && !revoked_.contains(renewal.fingerprint) ? absl::OkStatus()
                                                            : absl::PermissionDeniedError("no");
  }

  const Clock* const clock_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  std::map<Digest, std::pair<std::string, absl::Time>> tokens_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Digest> enrolled_ ABSL_GUARDED_BY(mutex_);
  std::set<Digest> revoked_ ABSL_GUARDED_BY(mutex_);
  std::string target_uid_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lockstep
