#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "agent/identity/place.h"
#include "common/base/random.h"
#include "common/bundle/link.h"
#include "common/credentials/certificate.h"
#include "common/credentials/join_token.h"

// The agent's identity is one text (IdentityPlace), so that it changes as a whole:
//
//     joined-with HEX                    the hash of the token that made it, where one did
//     HOST:PORT ENROLMENT_PORT           a line for each of the hub's addresses
//     -----BEGIN PRIVATE KEY-----
//     -----BEGIN CERTIFICATE-----        the agent's; it says which cluster this is
//     -----BEGIN CERTIFICATE-----        the hub's authority; more than one while it changes

namespace lockstep {

/// Who this agent is and whom it trusts.
struct AgentIdentity {
  std::string cluster;
  PrivateKey key;
  Certificate certificate;
  std::vector<Certificate> roots;
  std::vector<HubAddress> hubs;
  std::string
      joined_with;  // Hash of the token, in hex: a unit file keeps its --join flag, and only
                    // a new token is redeemed. In the same file: it is kept or it is not.

  /// For the link's TLS.
  TlsMaterial Material() const;
  /// Whether the link can be used, or RenewAfterExpiry comes first.
  bool ExpiredAt(absl::Time now) const { return now >= certificate.not_after(); }
};

/// NOT_FOUND if the agent did not join yet, DATA_LOSS naming the place of one that is broken.
absl::StatusOr<AgentIdentity> LoadIdentity(const IdentityPlace& place);

/// Writes it, durable when it returns: a reader sees the old identity or the new one.
absl::Status SaveIdentity(const IdentityPlace& place, const AgentIdentity& identity);

/// When to ask for the next certificate: at half of its life, a tenth of it earlier or later by
/// chance, so that a fleet that joined together does not renew together.
absl::Time RenewalTime(const Certificate& certificate, Rng* rng);

/// What to send on the stream of `session_id` to renew.
CertificateRequest MakeCertificateRequest(const AgentIdentity& identity,
                                          absl::string_view session_id);

/// Checks the hub's answer (our key, our cluster, one of our roots) and writes it. Returns the
/// identity to use from the next connection on. UNAUTHENTICATED for an answer that is not for us:
/// the present certificate stays.
absl::StatusOr<AgentIdentity> AcceptCertificate(const IdentityPlace& place,
                                                const AgentIdentity& identity,
                                                const CertificateIssued& issued, absl::Time now);

}  // namespace lockstep
