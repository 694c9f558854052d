#include "agent/identity/identity.h"

#include <algorithm>
#include <utility>

#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include "common/base/status.h"
#include "common/credentials/proof.h"

namespace lockstep {
namespace {

constexpr absl::string_view kJoinedWith = "joined-with ";

absl::StatusOr<AgentIdentity> Parse(absl::string_view text) {
  absl::string_view lines = text.substr(0, text.find("-----BEGIN"));
  std::string joined_with;
  if (absl::ConsumePrefix(&lines, kJoinedWith)) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    joined_with = std::string(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<HubAddress> hubs, ParseHubAddresses(lines));
  LOCKSTEP_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(text));
  LOCKSTEP_ASSIGN_OR_RETURN(std::vector<Certificate> certificates, ReadCertificates(text));
  Certificate own = certificates.front();
  certificates.erase(certificates.begin());
  LOCKSTEP_ASSIGN_OR_RETURN(const PeerIdentity peer, own.ReadPeer());
  if (peer.kind != IdentityKind::kCluster || peer.fingerprint != key.Fingerprint() ||
      certificates.empty()) {
    return absl::InvalidArgumentError("key, certificate and authority do not belong together");
  }
  return AgentIdentity{.cluster = peer.name,
                       .key = std::move(key),
                       .certificate = std::move(own),
                       .roots = std::move(certificates),
                       .hubs = std::move(hubs),
                       .joined_with = std::move(joined_with)};
}

}  // namespace

TlsMaterial AgentIdentity::Material() const {
  return {
      .key_pem = key.ToPem(), .certificate_pem = certificate.ToPem(), .roots_pem = ToPem(roots)};
}

absl::StatusOr<AgentIdentity> LoadIdentity(const IdentityPlace& place) {
  const absl::StatusOr<std::string> text = place.Read();
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat(
        "there is no identity in ", place.Name(),
        ": this agent did not join yet; `lockstep cluster join-token NAME` prints how"));
  }
  if (!text.ok()) return text.status();
  absl::StatusOr<AgentIdentity> identity = Parse(*text);
  if (identity.ok()) return identity;
  return absl::DataLossError(absl::StrCat("identity in ", place.Name(), ": ",
                                          identity.status().message(),
                                          "; restore it, or join again with a new token"));
}

absl::Status SaveIdentity(const IdentityPlace& place, const AgentIdentity& identity) {
  const std::string joined_with =
      identity.joined_with.empty() ? "" : absl::StrCat(kJoinedWith, identity.joined_with, "\n");
  return place.Write(absl::StrCat(joined_with, FormatHubAddresses(identity.hubs),
                                  identity.key.ToPem(), identity.certificate.ToPem(),
                                  ToPem(identity.roots)));
}

absl::Time RenewalTime(const Certificate& certificate, Rng* rng) {
  const absl::Duration life = certificate.not_after() - certificate.not_before();
  return certificate.not_before() + rng->Between(life * 0.4, life * 0.6);
}

CertificateRequest MakeCertificateRequest(const AgentIdentity& identity,
                                          absl::string_view session_id) {
  const std::string public_der = identity.key.PublicDer();
  return {.public_key = public_der,
          .proof = identity.key.Sign(RenewalProofMessage(session_id, public_der))};
}

absl::StatusOr<AgentIdentity> AcceptCertificate(const IdentityPlace& place,
                                                const AgentIdentity& identity,
                                                const CertificateIssued& issued, absl::Time now) {
  if (issued.chain.empty())
    return absl::UnauthenticatedError("the hub's answer holds no certificate");
  absl::StatusOr<Certificate> certificate = Certificate::FromDer(issued.chain.front());
  if (!certificate.ok()) return absl::UnauthenticatedError(certificate.status().message());
  const absl::StatusOr<PeerIdentity> peer = certificate->ReadPeer();
  if (!peer.ok() || peer->kind != IdentityKind::kCluster || peer->name != identity.cluster ||
      peer->fingerprint != identity.key.Fingerprint()) {
    return absl::UnauthenticatedError(
        absl::StrCat("the hub's answer is no certificate for cluster ", identity.cluster,
                     " and this agent's key"));
  }
  // The hub's clock made it and the hub's clock judges it: one that is good only at another time
  // than this machine's clock says is taken all the same (FAULTS F-22, F-23).
  const absl::Time judged_at =
      std::clamp(now, certificate->not_before(), certificate->not_after() - absl::Seconds(1));
  LOCKSTEP_RETURN_IF_ERROR(
      VerifyIssued(*certificate, identity.roots, CertificateUse::kClient, judged_at));
  AgentIdentity next = identity;
  next.certificate = *std::move(certificate);
  LOCKSTEP_RETURN_IF_ERROR(SaveIdentity(place, next));
  return next;
}

}  // namespace lockstep
