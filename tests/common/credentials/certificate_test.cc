#include "common/credentials/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/credentials/openssl_names.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

CertificateTemplate Authority() {
  return {.role = CertificateTemplate::Role::kAuthority,
          .common_name = "test CA",
          .not_before = kNow,
          .not_after = kNow + absl::Hours(1000)};
}

CertificateTemplate Client(std::string uri) {
  return {.role = CertificateTemplate::Role::kClient,
          .common_name = "test",
          .uri = std::move(uri),
          .not_before = kNow,
          .not_after = kNow + absl::Hours(24)};
}

// A certificate for `names` (an OpenSSL alternative-name line) with the subject `common_name`, as
// any other CA might write it.
absl::StatusOr<Identity> IdentityOf(const std::string& names,
                                    const std::string& common_name = "eu-1") {
  return Certificate(MakeForeignCertificate(names, common_name)).ReadIdentity();
}

TEST(Certificate, SurvivesDerAndPem) {
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const Certificate ca,
                       BuildCertificate(Authority(), key.PublicDer(), nullptr, key));
  ASSERT_OK_AND_ASSIGN(const Certificate from_der, Certificate::FromDer(ca.ToDer()));
  ASSERT_OK_AND_ASSIGN(const Certificate from_pem, Certificate::FromPem(ca.ToPem()));
  EXPECT_EQ(from_der.ToPem(), ca.ToPem());
  EXPECT_EQ(from_pem.ToDer(), ca.ToDer());
  EXPECT_EQ(ca.not_before(), kNow);
  EXPECT_EQ(ca.not_after(), kNow + absl::Hours(1000));
  EXPECT_EQ(ca.PublicDer(), key.PublicDer());
  EXPECT_EQ(ca.Fingerprint(), key.Fingerprint());
}

TEST(Certificate, NothingMayFollowIt) {
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const Certificate ca,
                       BuildCertificate(Authority(), key.PublicDer(), nullptr, key));
  EXPECT_THAT(Certificate::FromDer(ca.ToDer() + "x"), Not(IsOk()));
  EXPECT_THAT(Certificate::FromDer(""), Not(IsOk()));
  EXPECT_THAT(Certificate::FromPem(""), Not(IsOk()));
  EXPECT_THAT(ReadCertificates(ca.ToPem() +
                               "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              Not(IsOk()));
  ASSERT_OK_AND_ASSIGN(const std::vector<Certificate> two,
                       ReadCertificates(ca.ToPem() + ca.ToPem()));
  EXPECT_EQ(two.size(), 2u);
}

TEST(VerifyIssued, ByOneOfTheRootsForThisUseAtThisTime) {
  const PrivateKey ca_key = PrivateKey::Generate();
  const PrivateKey other_key = PrivateKey::Generate();
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const Certificate ca,
                       BuildCertificate(Authority(), ca_key.PublicDer(), nullptr, ca_key));
  ASSERT_OK_AND_ASSIGN(const Certificate other,
                       BuildCertificate(Authority(), other_key.PublicDer(), nullptr, other_key));
  ASSERT_OK_AND_ASSIGN(const Certificate leaf,
                       BuildCertificate(Client(""), key.PublicDer(), &ca, ca_key));
  const absl::Time at = kNow + absl::Hours(1);

  EXPECT_OK(VerifyIssued(leaf, {ca}, CertificateUse::kClient, at));
  EXPECT_OK(VerifyIssued(leaf, {other, ca}, CertificateUse::kClient, at));
  const auto refused = [](absl::string_view reason) {
    return StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr(std::string(reason)));
  };
  EXPECT_THAT(VerifyIssued(leaf, {other}, CertificateUse::kClient, at), refused("issuer"));
  EXPECT_THAT(VerifyIssued(leaf, {}, CertificateUse::kClient, at), refused("issuer"));
  EXPECT_THAT(VerifyIssued(leaf, {ca}, CertificateUse::kServer, at), refused("purpose"));
  EXPECT_THAT(VerifyIssued(leaf, {ca}, CertificateUse::kClient, kNow + absl::Hours(25)),
              refused("expired"));
  EXPECT_THAT(VerifyIssued(leaf, {ca}, CertificateUse::kClient, kNow - absl::Hours(1)),
              refused("not yet valid"));
}

TEST(VerifyIssued, ALeafIssuesNothing) {
  const PrivateKey ca_key = PrivateKey::Generate();
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const Certificate ca,
                       BuildCertificate(Authority(), ca_key.PublicDer(), nullptr, ca_key));
  ASSERT_OK_AND_ASSIGN(const Certificate leaf,
                       BuildCertificate(Client(""), key.PublicDer(), &ca, ca_key));
  ASSERT_OK_AND_ASSIGN(const Certificate forged,
                       BuildCertificate(Client(""), key.PublicDer(), &leaf, key));
  EXPECT_THAT(VerifyIssued(forged, {ca, leaf}, CertificateUse::kClient, kNow), Not(IsOk()));
}

TEST(BuildCertificate, WritesHostsAndTheUriAsNames) {
  const PrivateKey key = PrivateKey::Generate();
  CertificateTemplate tmpl = Authority();
  tmpl.role = CertificateTemplate::Role::kServer;
  tmpl.uri = "spiffe://lockstep/hub";
  tmpl.hosts = {"hub.example.com", "10.1.2.3", "2001:db8::1"};
  ASSERT_OK_AND_ASSIGN(const Certificate certificate,
                       BuildCertificate(tmpl, key.PublicDer(), nullptr, key));
  EXPECT_THAT(AlternativeNames(certificate.handle()),
              ElementsAre("URI:spiffe://lockstep/hub", "DNS:hub.example.com", "IP Address:10.1.2.3",
                          "IP Address:2001:DB8:0:0:0:0:0:1"));
  tmpl.hosts = {"hub.example.com,URI:spiffe://lockstep/user/admin"};
  EXPECT_THAT(BuildCertificate(tmpl, key.PublicDer(), nullptr, key), Not(IsOk()));
}

TEST(A55Identity, IsOneExactUriNameAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const Identity cluster, IdentityOf("URI:spiffe://lockstep/cluster/eu-3"));
  EXPECT_EQ(cluster, (Identity{IdentityKind::kCluster, "eu-3"}));
  ASSERT_OK_AND_ASSIGN(const Identity user,
                       IdentityOf("DNS:laptop,URI:spiffe://lockstep/user/ann"));
  EXPECT_EQ(user, (Identity{IdentityKind::kUser, "ann"}));
  ASSERT_OK_AND_ASSIGN(const Identity hub, IdentityOf("URI:spiffe://lockstep/hub"));
  EXPECT_EQ(hub, (Identity{IdentityKind::kHub, ""}));

  for (const char* names : {
           "",
           "DNS:spiffe://lockstep/cluster/eu-3",
           "email:eu-3@lockstep",
           "URI:spiffe://lockstep/cluster/eu-3,URI:spiffe://lockstep/cluster/eu-4",
           "URI:spiffe://lockstep/cluster/eu-3,URI:spiffe://lockstep/cluster/eu-3",
           "URI:spiffe://lockstep/cluster/eu-3,URI:https://example.com",
           "URI:https://example.com",
           "URI:spiffe://lockstep/cluster/",
           "URI:spiffe://lockstep/cluster/eu-3/",
           "URI:spiffe://lockstep/cluster/eu-3?x=y",
           "URI:spiffe://lockstep/cluster/eu-3/user/admin",
           "URI:spiffe://lockstep//cluster/eu-3",
           "URI:SPIFFE://lockstep/cluster/eu-3",
           "URI:spiffe://Lockstep/cluster/eu-3",
           "URI:spiffe://lockstep.evil/cluster/eu-3",
           "URI:spiffe://lockstep/cluster/eu%2D3",
           "URI:spiffe://lockstep/hub/",
           "URI:spiffe://lockstep/hubs",
           "URI:spiffe://lockstep/admin/eu-3",
       }) {
    EXPECT_THAT(IdentityOf(names),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("certificate")))
        << names;
  }
}

TEST(A55Identity, TheSubjectIsNeverRead) {
  for (const char* common_name :
       {"eu-1", "eu-3,O=admin", "spiffe://lockstep/user/admin", "CN=eu-1/CN=eu-2"}) {
    EXPECT_THAT(IdentityOf("", common_name), Not(IsOk())) << common_name;
    ASSERT_OK_AND_ASSIGN(const Identity identity,
                         IdentityOf("URI:spiffe://lockstep/cluster/eu-3", common_name));
    EXPECT_EQ(identity.name, "eu-3");
  }
}

TEST(A55Identity, AZeroByteInTheNameIsRefused) {
  using namespace std::string_literals;
  EXPECT_THAT(ParseIdentityUri("spiffe://lockstep/cluster/eu-3\0.evil"s), Not(IsOk()));
  EXPECT_THAT(ParseIdentityUri("spiffe://lockstep/hub\0"s), Not(IsOk()));
}

TEST(A57Names, OneRuleForAllOfThem) {
  for (const std::string& name :
       {std::string("a"), std::string("0"), std::string("eu-3"), std::string(63, 'x')}) {
    EXPECT_OK(CheckIdentityName("cluster", name)) << name;
    ASSERT_OK_AND_ASSIGN(const Identity back,
                         ParseIdentityUri(Identity{IdentityKind::kUser, name}.ToUri()));
    EXPECT_EQ(back.name, name);
  }
  using namespace std::string_literals;
  for (const std::string& name :
       {""s, std::string(64, 'x'), "Eu-3"s, "eu.3"s, "eu/3"s, "-eu"s, "eu-"s, "eu_3"s, "eu 3"s,
        "eu-\u0033\u0301"s, "е\u0075"s /* a Cyrillic е */, "eu\0"s, "eu\n"s, "../eu"s, "*"s}) {
    EXPECT_THAT(CheckIdentityName("cluster", name),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cluster name")))
        << name;
    EXPECT_THAT(ParseIdentityUri("spiffe://lockstep/cluster/" + name), Not(IsOk())) << name;
  }
}

TEST(A57Names, APrefixIsAnotherName) {
  ASSERT_OK_AND_ASSIGN(const Identity c1, ParseIdentityUri("spiffe://lockstep/cluster/c1"));
  ASSERT_OK_AND_ASSIGN(const Identity c1x, ParseIdentityUri("spiffe://lockstep/cluster/c1x"));
  EXPECT_NE(c1, c1x);
  EXPECT_NE((Identity{IdentityKind::kCluster, "c1"}), (Identity{IdentityKind::kUser, "c1"}));
}

}  // namespace
}  // namespace lockstep
