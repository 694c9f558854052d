#include "hub/ports/identity_port.h"

#include <memory>
#include <utility>

#include "hub/core/queries.h"

namespace lockstep {

void EnrolmentPort::Redeem(const Redemption& redemption, Done done) {
  loop_->Command(
      "token",
      command::RedeemToken{redemption.token_hash, redemption.cluster, redemption.fingerprint,
                           redemption.target_uid},
      [metrics = metrics_, done = std::move(done)](absl::StatusOr<ReplyBody> reply) mutable {
        metrics->enrolments->With(reply.ok() ? "accepted" : "refused").Increment();
        if (reply.ok()) metrics->certificates_issued->Increment();
        done(reply.status());
      });
}

void EnrolmentPort::AllowLateRenewal(const LateRenewal& renewal, Done done) {
  // Read never calls what it does not take.
  auto shared = std::make_shared<Done>(std::move(done));
  const bool taken = loop_->Read([renewal, shared](const HubState& state) {
    (*shared)(CheckIdentity(state, renewal.cluster, renewal.fingerprint));
  });
  if (!taken) (*shared)(absl::UnavailableError("the hub is busy or ends; try again"));
}

}  // namespace lockstep
