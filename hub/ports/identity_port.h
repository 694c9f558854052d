#pragma once

#include "hub/identity/enrolment_server.h"
#include "hub/identity/revoked_keys.h"
#include "hub/loop/loop.h"
#include "hub/loop/ports.h"
#include "hub/metrics/hub_metrics.h"

namespace lockstep {

/// The enrolment endpoint's questions, answered by the core through the loop.
class EnrolmentPort : public EnrolmentBackend {
 public:
  /// Both outlive this.
  EnrolmentPort(Loop* loop, HubMetrics* metrics) : loop_(loop), metrics_(metrics) {}

  void Redeem(const Redemption& redemption, Done done) override;
  void AllowLateRenewal(const LateRenewal& renewal, Done done) override;

 private:
  Loop* const loop_;
  HubMetrics* const metrics_;
};

/// What the core revokes, for the threads that accept connections. `keys` outlives this.
class RevocationPort : public KeyPort {
 public:
  explicit RevocationPort(RevokedKeys* keys) : keys_(keys) {}

  void Revoke(std::vector<Digest> fingerprints) override {
    keys_->Replace(RevokedKeys::Set(fingerprints.begin(), fingerprints.end()));
  }

 private:
  RevokedKeys* const keys_;
};

}  // namespace lockstep
