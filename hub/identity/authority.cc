#include "hub/identity/authority.h"

#include <absl/strings/str_cat.h>

#include "common/base/status.h"
#include "common/credentials/proof.h"

namespace lockstep {

absl::StatusOr<CertificateAuthority> CertificateAuthority::Make(absl::Time now) {
  PrivateKey key = PrivateKey::Generate();
  LOCKSTEP_ASSIGN_OR_RETURN(
      Certificate certificate,
      BuildCertificate({.role = CertificateTemplate::Role::kAuthority,
                        .common_name = absl::StrCat("Lockstep CA ", key.Fingerprint().Short()),
                        .not_before = now - kClockSkew,
                        .not_after = now + kAuthorityLife},
                       key.PublicDer(), nullptr, key));
  return CertificateAuthority(std::move(certificate), std::move(key));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::FromPem(
    absl::string_view certificate_pem, absl::string_view key_pem) {
  LOCKSTEP_ASSIGN_OR_RETURN(Certificate certificate, Certificate::FromPem(certificate_pem));
  LOCKSTEP_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(key_pem));
  if (certificate.Fingerprint() != key.Fingerprint()) {
    return absl::InvalidArgumentError("the certificate is not of the private key beside it");
  }
  return CertificateAuthority(std::move(certificate), std::move(key));
}

absl::StatusOr<Certificate> CertificateAuthority::IssueAgent(absl::string_view cluster,
                                                             absl::string_view public_der,
                                                             absl::Time now) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("cluster", cluster));
  return BuildCertificate({.role = CertificateTemplate::Role::kClient,
                           .common_name = std::string(cluster),
                           .uri = Identity{IdentityKind::kCluster, std::string(cluster)}.ToUri(),
                           .not_before = now - kClockSkew,
                           .not_after = now + kAgentCertificateLife},
                          public_der, &certificate_, key_);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueUser(absl::string_view user,
                                                            absl::string_view public_der,
                                                            absl::Time now) const {
  LOCKSTEP_RETURN_IF_ERROR(CheckIdentityName("user", user));
  return BuildCertificate({.role = CertificateTemplate::Role::kClient,
                           .common_name = std::string(user),
                           .uri = Identity{IdentityKind::kUser, std::string(user)}.ToUri(),
                           .not_before = now - kClockSkew,
                           .not_after = now + kUserCertificateLife},
                          public_der, &certificate_, key_);
}

absl::StatusOr<Certificate> CertificateAuthority::IssueHub(const std::vector<std::string>& hosts,
                                                           absl::string_view public_der,
                                                           absl::Time now) const {
  return BuildCertificate({.role = CertificateTemplate::Role::kServer,
                           .common_name = "Lockstep hub",
                           .uri = Identity{IdentityKind::kHub, ""}.ToUri(),
                           .hosts = hosts,
                           .not_before = now - kClockSkew,
                           .not_after = now + kHubCertificateLife},
                          public_der, &certificate_, key_);
}

absl::StatusOr<CertificateIssued> RenewAgent(const CertificateAuthority& authority,
                                             const PeerIdentity& peer,
                                             const CertificateRequest& request,
                                             absl::string_view session_id, absl::Time now) {
  if (peer.kind != IdentityKind::kCluster) {
    return absl::PermissionDeniedError("renewing a certificate: the caller is no agent");
  }
  if (KeyFingerprint(request.public_key) != peer.fingerprint) {
    return absl::PermissionDeniedError(
        absl::StrCat("renewing the certificate of cluster ", peer.name,
                     ": the key is not this session's; to change the key, join again"));
  }
  if (absl::Status proof = VerifySignature(
          request.public_key, RenewalProofMessage(session_id, request.public_key), request.proof);
      !proof.ok()) {
    return Annotate(proof, absl::StrCat("renewing the certificate of cluster ", peer.name));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(const Certificate certificate,
                            authority.IssueAgent(peer.name, request.public_key, now));
  return CertificateIssued{.chain = {certificate.ToDer()}, .not_after = certificate.not_after()};
}

}  // namespace lockstep
