#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/random.h"
#include "common/bundle/link.h"
#include "common/credentials/certificate.h"
#include "common/credentials/join_token.h"

// What the agent's directory holds of its identity; everything is of mode 0600 in directories of
// mode 0700:
//
//     identity/agent.key  identity/agent.crt  identity/ca.crt
//     identity/hubs           one "HOST:PORT ENROLMENT_PORT" per line

namespace lockstep {

/// Who this agent is and whom it trusts.
struct AgentIdentity {
  std::string cluster;
  PrivateKey key;
  Certificate certificate;
  std::vector<Certificate> roots;
  std::vector<HubAddress> hubs;

  /// For the link's TLS.
  TlsMaterial Material() const;
  /// Whether the link can be used, or RenewAfterExpiry comes first.
  bool ExpiredAt(absl::Time now) const { return now >= certificate.not_after(); }
};

/// NOT_FOUND if the agent did not join yet, DATA_LOSS naming the file for one that is broken.
absl::StatusOr<AgentIdentity> LoadIdentity(absl::string_view directory);

/// Writes all of it in one step: a reader sees the old identity or the new one.
absl::Status SaveIdentity(absl::string_view directory, const AgentIdentity& identity);

/// When to ask for the next certificate: at half of its life, a tenth of it earlier or later by
/// chance, so that a fleet that joined together does not renew together.
absl::Time RenewalTime(const Certificate& certificate, Rng* rng);

/// What to send on the stream of `session_id` to renew.
CertificateRequest MakeCertificateRequest(const AgentIdentity& identity,
                                          absl::string_view session_id);

/// Checks the hub's answer (our key, our cluster, one of our roots) and writes it. Returns the
/// identity to use from the next connection on. UNAUTHENTICATED for an answer that is not for us:
/// the present certificate stays.
absl::StatusOr<AgentIdentity> AcceptCertificate(absl::string_view directory,
                                                const AgentIdentity& identity,
                                                const CertificateIssued& issued, absl::Time now);

}  // namespace lockstep
