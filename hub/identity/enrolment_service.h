#pragma once

#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/base/clock.h"
#include "hub/identity/enrolment_server.h"
#include "hub/identity/failure_limit.h"
#include "hub/identity/nonces.h"

namespace lockstep {

struct HttpRequest {
  std::string address;  // Whom failures are counted against.
  std::string method;
  std::string target;
  std::string body;
};

struct HttpReply {
  int status = 200;
  std::string body;  // JSON.
};

/// What the enrolment endpoint says, without the network: checks what came and its proof, asks the
/// backend, signs. Thread-safe; an answer of the backend's keeps it alive.
class EnrolmentService : public std::enable_shared_from_this<EnrolmentService> {
 public:
  using Done = absl::AnyInvocable<void(HttpReply)>;

  /// `backend` and `clock` must outlive all calls of Handle.
  EnrolmentService(CertificateAuthority authority, EnrolmentBackend* backend, const Clock* clock,
                   const EnrolmentLimits& limits)
      : authority_(std::move(authority)),
        backend_(backend),
        clock_(clock),
        nonces_(limits.nonce_life),
        failures_(limits.failures_per_minute) {}

  /// Calls `done` once: before it returns, or later on a thread of the backend's.
  void Handle(const HttpRequest& request, Done done);

 private:
  struct Claim;

  absl::StatusOr<Claim> ReadEnrolment(const std::string& body) const;
  absl::StatusOr<Claim> ReadLateRenewal(const std::string& body) const;
  void Answer(const std::string& address, absl::StatusOr<Claim> claim, Done done);
  HttpReply Sign(const Claim& claim, absl::Time now) const;

  const CertificateAuthority authority_;
  EnrolmentBackend* const backend_;
  const Clock* const clock_;
  const Nonces nonces_;
  FailureLimit failures_;
};

/// The reply for an error.
HttpReply ErrorReply(const absl::Status& status);

}  // namespace lockstep
