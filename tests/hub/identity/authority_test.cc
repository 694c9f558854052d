#include "hub/identity/authority.h"

#include <absl/strings/escaping.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/credentials/proof.h"
#include "tests/common/credentials/openssl_names.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class Authority : public testing::Test {
 protected:
  const CertificateAuthority authority_ = CertificateAuthority::Make(kNow).value();
  const PrivateKey key_ = PrivateKey::Generate();
};

TEST_F(Authority, SurvivesItsFiles) {
  ASSERT_OK_AND_ASSIGN(
      const CertificateAuthority read,
      CertificateAuthority::FromPem(authority_.certificate().ToPem(), authority_.key().ToPem()));
  EXPECT_EQ(read.fingerprint(), authority_.fingerprint());
  EXPECT_THAT(
      CertificateAuthority::FromPem(authority_.certificate().ToPem(), key_.ToPem()).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("private key")));
}

TEST_F(Authority, IsAnAuthorityOfNothingButLeavesForTenYears) {
  const std::string text = PrintCertificate(authority_.certificate().handle());
  EXPECT_THAT(text, HasSubstr("CA:TRUE, pathlen:0"));
  EXPECT_THAT(text, HasSubstr("Certificate Sign, CRL Sign"));
  EXPECT_EQ(authority_.certificate().not_after(), kNow + absl::Hours(24 * 3653));
  EXPECT_THAT(authority_.certificate().ReadIdentity(), Not(IsOk()));
}

TEST_F(Authority, A51AnAgentsCertificateHasOneFixedForm) {
  ASSERT_OK_AND_ASSIGN(const Certificate certificate,
                       authority_.IssueAgent("eu-3", key_.PublicDer(), kNow));
  EXPECT_THAT(AlternativeNames(certificate.handle()),
              ElementsAre("URI:spiffe://lockstep/cluster/eu-3"));
  const std::string text = PrintCertificate(certificate.handle());
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
  EXPECT_THAT(text, HasSubstr("TLS Web Client Authentication"));
  EXPECT_THAT(text, Not(HasSubstr("Server Authentication")));
  EXPECT_THAT(text, Not(HasSubstr("Certificate Sign")));
  EXPECT_EQ(certificate.not_before(), kNow - absl::Minutes(5));
  EXPECT_EQ(certificate.not_after(), kNow + absl::Hours(24));
  EXPECT_EQ(certificate.PublicDer(), key_.PublicDer());
  EXPECT_OK(VerifyIssued(certificate, {authority_.certificate()}, CertificateUse::kClient, kNow));
}

TEST_F(Authority, UsersAndHubsDifferByNameAndUse) {
  ASSERT_OK_AND_ASSIGN(const Certificate user, authority_.IssueUser("ann", key_.PublicDer(), kNow));
  EXPECT_THAT(AlternativeNames(user.handle()), ElementsAre("URI:spiffe://lockstep/user/ann"));
  EXPECT_EQ(user.not_after(), kNow + absl::Hours(24 * 90));
  EXPECT_OK(VerifyIssued(user, {authority_.certificate()}, CertificateUse::kClient, kNow));
  EXPECT_THAT(VerifyIssued(user, {authority_.certificate()}, CertificateUse::kServer, kNow),
              Not(IsOk()));

  ASSERT_OK_AND_ASSIGN(const Certificate hub, authority_.IssueHub({"hub.example.com", "10.0.0.1"},
                                                                  key_.PublicDer(), kNow));
  EXPECT_THAT(
      AlternativeNames(hub.handle()),
      ElementsAre("URI:spiffe://lockstep/hub", "DNS:hub.example.com", "IP Address:10.0.0.1"));
  EXPECT_OK(VerifyIssued(hub, {authority_.certificate()}, CertificateUse::kServer, kNow));
  EXPECT_THAT(VerifyIssued(hub, {authority_.certificate()}, CertificateUse::kClient, kNow),
              Not(IsOk()));
}

TEST_F(Authority, A57NamesThatAreNoneGetNoCertificate) {
  using namespace std::string_literals;
  for (const std::string& name :
       {""s, "EU"s, "eu/3"s, "eu-3\0"s, "eu-3,URI:spiffe://lockstep/user/admin"s,
        std::string(64, 'a'), "еu"s, "c1/"s, "../c1"s}) {
    EXPECT_THAT(authority_.IssueAgent(name, key_.PublicDer(), kNow), Not(IsOk())) << name;
    EXPECT_THAT(authority_.IssueUser(name, key_.PublicDer(), kNow), Not(IsOk())) << name;
  }
}

TEST_F(Authority, EverySerialNumberIsNew) {
  ASSERT_OK_AND_ASSIGN(const Certificate one,
                       authority_.IssueAgent("eu-3", key_.PublicDer(), kNow));
  ASSERT_OK_AND_ASSIGN(const Certificate two,
                       authority_.IssueAgent("eu-3", key_.PublicDer(), kNow));
  EXPECT_NE(one.ToDer(), two.ToDer());
}

// A CSR of another key (openssl req): CN=c1x/c2, the CA flag, URI:spiffe://lockstep/cluster/c2.
// There is no field that takes one: the only bytes that a caller chooses are a public key, and a
// CSR is none.
constexpr char kCsr[] =
    "MIIBFzCBvgIBADARMQ8wDQYDVQQDDAZjMXgvYzIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARiVhcsW8vltkEwcT"
    "Wd0hR1JQ4Vfwivv5TL1kX3+oS2NBnCOiCf90MjT4Wy8SBiyAeq8EGscCV9+xIMzCJr3FfwoEswSQYJKoZIhvcNAQkO"
    "MTwwOjAPBgNVHRMBAf8EBTADAQH/MCcGA1UdEQQgMB6GHHNwaWZmZTovL2xvY2tzdGVwL2NsdXN0ZXIvYzIwCgYIKo"
    "ZIzj0EAwIDSAAwRQIgKD4IWnBhaZGZjCg7wjeEpk3+cc75uQDHh1ei3vDspZgCIQD5dShb0jw9noemqjCya8o5curW"
    "cPTOENyy66iqkGPsDQ==";

class Renewal : public Authority {
 protected:
  PeerIdentity Peer(absl::string_view cluster, const PrivateKey& key) const {
    return {.kind = IdentityKind::kCluster,
            .name = std::string(cluster),
            .fingerprint = key.Fingerprint(),
            .not_after = kNow + absl::Hours(12)};
  }
  CertificateRequest Request(absl::string_view session, const PrivateKey& key) const {
    return {.public_key = key.PublicDer(),
            .proof = key.Sign(RenewalProofMessage(session, key.PublicDer()))};
  }
};

TEST_F(Renewal, A51TheCertificateIsTheSessionsWhateverIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(
      const CertificateIssued issued,
      RenewAgent(authority_, Peer("c1", key_), Request("session", key_), "session", kNow));
  ASSERT_EQ(issued.chain.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const Certificate certificate, Certificate::FromDer(issued.chain[0]));
  EXPECT_THAT(AlternativeNames(certificate.handle()),
              ElementsAre("URI:spiffe://lockstep/cluster/c1"));
  EXPECT_EQ(certificate.PublicDer(), key_.PublicDer());
  EXPECT_EQ(certificate.not_after(), kNow + absl::Hours(24));
  EXPECT_EQ(issued.not_after, certificate.not_after());
}

TEST_F(Renewal, A51AnythingButTheSessionsOwnKeyAndProofIsRefused) {
  const PrivateKey other = PrivateKey::Generate();
  const CertificateRequest good = Request("session", key_);
  std::string csr;
  ASSERT_TRUE(absl::Base64Unescape(kCsr, &csr));
  struct Row {
    const char* what;
    PeerIdentity peer;
    CertificateRequest request;
    absl::StatusCode code;
  };
  PeerIdentity user = Peer("c1", key_);
  user.kind = IdentityKind::kUser;
  PeerIdentity hub = Peer("", key_);
  hub.kind = IdentityKind::kHub;
  const std::vector<Row> rows = {
      {"another key", Peer("c1", key_), Request("session", other),
       absl::StatusCode::kPermissionDenied},
      {"another's session", Peer("c1x", other), good, absl::StatusCode::kPermissionDenied},
      {"proof of another key",
       Peer("c1", key_),
       {good.public_key, Request("session", other).proof},
       absl::StatusCode::kUnauthenticated},
      {"proof for another session", Peer("c1", key_), Request("session2", key_),
       absl::StatusCode::kUnauthenticated},
      {"no proof", Peer("c1", key_), {good.public_key, ""}, absl::StatusCode::kUnauthenticated},
      {"a CSR", Peer("c1", key_), {csr, good.proof}, absl::StatusCode::kPermissionDenied},
      {"a key and a CSR",
       Peer("c1", key_),
       {good.public_key + csr, good.proof},
       absl::StatusCode::kPermissionDenied},
      {"nothing", Peer("c1", key_), {"", ""}, absl::StatusCode::kPermissionDenied},
      {"a user", user, good, absl::StatusCode::kPermissionDenied},
      {"a hub", hub, good, absl::StatusCode::kPermissionDenied},
  };
  for (const Row& row : rows) {
    EXPECT_THAT(RenewAgent(authority_, row.peer, row.request, "session", kNow),
                StatusIs(row.code, HasSubstr("renewing")))
        << row.what;
  }
}

}  // namespace
}  // namespace lockstep
