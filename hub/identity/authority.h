#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/bundle/link.h"
#include "common/credentials/certificate.h"

namespace lockstep {

inline constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3653);  // Ten years.
inline constexpr absl::Duration kHubCertificateLife = absl::Hours(24 * 90);
inline constexpr absl::Duration kUserCertificateLife = absl::Hours(24 * 90);
inline constexpr absl::Duration kAgentCertificateLife = absl::Hours(24);
/// How long after its end an agent's certificate can still be renewed by proof of its key (FAULTS
/// F-32).
inline constexpr absl::Duration kLateRenewalGrace = absl::Hours(24 * 7);
/// Certificates begin this long before they are made, for clocks that are behind.
inline constexpr absl::Duration kClockSkew = absl::Minutes(5);

/// Signs certificates, each from a fixed template and a public key: nothing else that a caller
/// sends can get into one (SECURITY A-51). Immutable; may be used by several threads at once.
class CertificateAuthority {
 public:
  /// A new authority that is valid from `now`.
  static absl::StatusOr<CertificateAuthority> Make(absl::Time now);
  /// From the PEM of its certificate and its key. INVALID_ARGUMENT if they do not belong together.
  static absl::StatusOr<CertificateAuthority> FromPem(absl::string_view certificate_pem,
                                                      absl::string_view key_pem);

  const Certificate& certificate() const { return certificate_; }
  const PrivateKey& key() const { return key_; }
  /// What join tokens pin.
  Digest fingerprint() const { return certificate_.Fingerprint(); }

  /// A client certificate for the cluster's agent, 24 h. INVALID_ARGUMENT for a bad name or key.
  absl::StatusOr<Certificate> IssueAgent(absl::string_view cluster, absl::string_view public_der,
                                         absl::Time now) const;
  /// A client certificate for a person, 90 days. INVALID_ARGUMENT for a bad name or key.
  absl::StatusOr<Certificate> IssueUser(absl::string_view user, absl::string_view public_der,
                                        absl::Time now) const;
  /// The hub's server certificate, 90 days, for these DNS names and IP addresses.
  absl::StatusOr<Certificate> IssueHub(const std::vector<std::string>& hosts,
                                       absl::string_view public_der, absl::Time now) const;

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  Certificate certificate_;
  PrivateKey key_;
};

/// Answers a CertificateRequest that came on the stream of `session_id`: the same cluster, the same
/// key, 24 h from `now`. Errors: PERMISSION_DENIED if the peer is no agent or the key is not the
/// session's, UNAUTHENTICATED if the proof is not of that key over this session.
absl::StatusOr<CertificateIssued> RenewAgent(const CertificateAuthority& authority,
                                             const PeerIdentity& peer,
                                             const CertificateRequest& request,
                                             absl::string_view session_id, absl::Time now);

}  // namespace lockstep
