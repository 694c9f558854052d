#include "agent/identity/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "common/credentials/proof.h"
#include "tests/testing/status.h"
#include "tests/testing/test_authority.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class Kept : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-agent-identity-test"));
  }
  void TearDown() override { EXPECT_OK(RemoveTree(directory_)); }

  IdentityFile place() const { return IdentityFile(directory_); }
  AgentIdentity Make(absl::string_view cluster) const {
    const TlsMaterial material = authority_.Agent(cluster);
    return {.cluster = std::string(cluster),
            .key = PrivateKey::FromPem(material.key_pem).value(),
            .certificate = Certificate::FromPem(material.certificate_pem).value(),
            .roots = {authority_.certificate()},
            .hubs = {{"hub", 1, 2}, {"::1", 3, 4}}};
  }
  CertificateIssued Issue(
      const TestAuthority& authority, absl::string_view uri, const PrivateKey& key,
      CertificateTemplate::Role role = CertificateTemplate::Role::kClient) const {
    const Certificate certificate =
        authority.IssueFor(key.PublicDer(), uri, role, kNow, kNow + absl::Hours(24));
    return {.chain = {certificate.ToDer()}, .not_after = certificate.not_after()};
  }

  std::string directory_;
  const TestAuthority authority_{kNow};
};

TEST_F(Kept, SurvivesItsFileWithAllRootsWhileTheAuthorityChanges) {
  AgentIdentity identity = Make("eu-3");
  const TestAuthority next(kNow);
  identity.roots.push_back(next.certificate());
  identity.joined_with = "ab12";
  ASSERT_OK(SaveIdentity(place(), identity));
  ASSERT_OK_AND_ASSIGN(const AgentIdentity read, LoadIdentity(place()));
  EXPECT_EQ(read.cluster, "eu-3");
  EXPECT_EQ(read.key.ToPem(), identity.key.ToPem());
  EXPECT_EQ(read.certificate.ToDer(), identity.certificate.ToDer());
  EXPECT_EQ(read.roots.size(), 2u);
  EXPECT_EQ(read.hubs, identity.hubs);
  EXPECT_EQ(read.joined_with, "ab12");
  EXPECT_EQ(read.Material().roots_pem,
            authority_.certificate().ToPem() + next.certificate().ToPem());
}

TEST_F(Kept, NoneAndBrokenOnesAreToldApart) {
  EXPECT_THAT(LoadIdentity(place()).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("join-token")));
  ASSERT_OK(SaveIdentity(place(), Make("eu-3")));
  const std::string path = directory_ + "/identity.pem";
  ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(path));
  for (size_t size = 0; size < whole.size() - 1; size += 61) {
    ASSERT_OK(WriteFileAtomic(path, whole.substr(0, size), Durability::kNone));
    EXPECT_THAT(LoadIdentity(place()).status(),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr(path)))
        << size;
  }
}

TEST_F(Kept, ANewCertificateForTheSameKeyAndClusterIsTaken) {
  const AgentIdentity identity = Make("eu-3");
  const CertificateIssued issued =
      Issue(authority_, "spiffe://lockstep/cluster/eu-3", identity.key);
  ASSERT_OK_AND_ASSIGN(const AgentIdentity next,
                       AcceptCertificate(place(), identity, issued, kNow));
  EXPECT_EQ(next.certificate.ToDer(), issued.chain[0]);
  EXPECT_EQ(LoadIdentity(place())->certificate.ToDer(), issued.chain[0]);
}

TEST_F(Kept, AnAnswerThatIsNotForUsLeavesWhatIsThere) {
  const AgentIdentity identity = Make("eu-3");
  ASSERT_OK(SaveIdentity(place(), identity));
  const std::string uri = "spiffe://lockstep/cluster/eu-3";
  const CertificateIssued rows[] = {
      {},
      {.chain = {"junk"}},
      Issue(authority_, "spiffe://lockstep/cluster/eu-4", identity.key),
      Issue(authority_, "spiffe://lockstep/user/eu-3", identity.key),
      Issue(authority_, uri, PrivateKey::Generate()),
      Issue(authority_, uri, identity.key, CertificateTemplate::Role::kServer),
      Issue(TestAuthority(kNow), uri, identity.key),
  };
  for (const CertificateIssued& issued : rows) {
    EXPECT_THAT(AcceptCertificate(place(), identity, issued, kNow).status(),
                StatusIs(absl::StatusCode::kUnauthenticated, testing::_));
  }
  EXPECT_EQ(LoadIdentity(place())->certificate.ToDer(), identity.certificate.ToDer());
}

TEST_F(Kept, F22AClockThatIsDaysOffKeepsNoNewCertificateOut) {
  const AgentIdentity identity = Make("eu-3");
  const CertificateIssued issued =
      Issue(authority_, "spiffe://lockstep/cluster/eu-3", identity.key);
  EXPECT_OK(AcceptCertificate(place(), identity, issued, kNow + absl::Hours(48)));
  EXPECT_OK(AcceptCertificate(place(), identity, issued, kNow - absl::Hours(48)));
}

TEST_F(Kept, TheRequestProvesTheKeyOverTheSession) {
  const AgentIdentity identity = Make("eu-3");
  const CertificateRequest request = MakeCertificateRequest(identity, "session");
  EXPECT_EQ(request.public_key, identity.key.PublicDer());
  EXPECT_OK(VerifySignature(request.public_key, RenewalProofMessage("session", request.public_key),
                            request.proof));
}

TEST_F(Kept, AFleetRenewsAroundHalfLifeButNotTogether) {
  const Certificate certificate = Make("eu-3").certificate;
  const absl::Time half = certificate.not_before() + absl::Hours(12);
  const uint64_t seed = 7;
  SCOPED_TRACE(seed);
  SeededRng rng(seed);
  absl::Time first = absl::InfiniteFuture();
  absl::Time last = absl::InfinitePast();
  for (int i = 0; i < 10'000; ++i) {
    const absl::Time at = RenewalTime(certificate, &rng);
    first = std::min(first, at);
    last = std::max(last, at);
  }
  EXPECT_GE(first, half - absl::Hours(2.4));
  EXPECT_LE(last, half + absl::Hours(2.4));
  EXPECT_GT(last - first, absl::Hours(4.7));
}

}  // namespace
}  // namespace lockstep
