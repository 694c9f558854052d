#include "hub/identity/enrolment_service.h"

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/credentials/proof.h"
#include "common/object/json.h"
#include "tests/hub/identity/fake_enrolment.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUid[] = "0123456789abcdef";

class Service : public testing::Test {
 protected:
  HttpReply Ask(const std::string& method, const std::string& target,
                const std::string& body = "") {
    HttpReply answer;
    service_->Handle({.address = address_, .method = method, .target = target, .body = body},
                     [&answer](HttpReply reply) { answer = std::move(reply); });
    return answer;
  }

  std::string Nonce() {
    const Value json = ReadJson(Ask("GET", "/v1/nonce").body, "nonce").value();
    std::string nonce;
    EXPECT_TRUE(absl::Base64Unescape(json.StringAt("nonce"), &nonce));
    return nonce;
  }

  static std::string Json(const std::vector<std::pair<std::string, std::string>>& members) {
    Object object;
    for (const auto& [key, value] : members) object.Set(key, Value::String(value));
    return WriteJson(Value::MakeObject(std::move(object)), 0);
  }

  // The body by which `key` redeems `token`, with one member replaced.
  std::string Enrolment(const JoinToken& token, const PrivateKey& key, const std::string& nonce,
                        const std::string& member = "", const std::string& value = "") {
    const std::string proof = key.Sign(
        EnrolmentProofMessage(HashTokenSecret(token.secret), nonce, key.PublicDer(), kUid));
    std::vector<std::pair<std::string, std::string>> members = {
        {"cluster", token.cluster},
        {"secret", absl::Base64Escape(token.secret)},
        {"publicKey", absl::Base64Escape(key.PublicDer())},
        {"targetUid", absl::Base64Escape(kUid)},
        {"nonce", absl::Base64Escape(nonce)},
        {"proof", absl::Base64Escape(proof)}};
    for (auto& [name, content] : members) {
      if (name == member) content = value;
    }
    return Json(members);
  }
  HttpReply Enrol(const JoinToken& token, const PrivateKey& key) {
    return Ask("POST", "/v1/enrol", Enrolment(token, key, Nonce()));
  }

  HttpReply Renew(const Certificate& certificate, const PrivateKey& key) {
    const std::string nonce = Nonce();
    const std::string proof = key.Sign(LateRenewalProofMessage(certificate.ToDer(), nonce));
    return Ask("POST", "/v1/renew",
               Json({{"certificate", absl::Base64Escape(certificate.ToDer())},
                     {"nonce", absl::Base64Escape(nonce)},
                     {"proof", absl::Base64Escape(proof)}}));
  }

  JoinToken NewToken(absl::string_view cluster) {
    const JoinToken token = MakeJoinToken(cluster, authority_.fingerprint(), {{"hub"}});
    backend_.AddToken(token);
    return token;
  }

  static Certificate IssuedIn(const HttpReply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    const Value json = ReadJson(reply.body, "reply").value();
    std::string der;
    EXPECT_TRUE(absl::Base64Unescape(json.Find("certificates")->AsArray()[0].AsString(), &der));
    return Certificate::FromDer(der).value();
  }

  std::string address_ = "10.0.0.1";
  SharedClock clock_{kNow};
  const CertificateAuthority authority_ = CertificateAuthority::Make(kNow).value();
  FakeEnrolmentBackend backend_{&clock_};
  const std::shared_ptr<EnrolmentService> service_ =
      std::make_shared<EnrolmentService>(authority_, &backend_, &clock_, EnrolmentLimits());
  const PrivateKey key_ = PrivateKey::Generate();
};

TEST_F(Service, ATokenBecomesACertificateOfItsClusterAndTheAgentsKey) {
  const Certificate certificate = IssuedIn(Enrol(NewToken("eu-3"), key_));
  ASSERT_OK_AND_ASSIGN(const PeerIdentity peer, certificate.ReadPeer());
  EXPECT_EQ(peer.kind, IdentityKind::kCluster);
  EXPECT_EQ(peer.name, "eu-3");
  EXPECT_EQ(peer.fingerprint, key_.Fingerprint());
  EXPECT_EQ(peer.not_after, kNow + absl::Hours(24));
  EXPECT_OK(VerifyIssued(certificate, {authority_.certificate()}, CertificateUse::kClient, kNow));
  EXPECT_EQ(backend_.enrolled().at("eu-3"), key_.Fingerprint());
  EXPECT_EQ(backend_.target_uid(), kUid);
}

TEST_F(Service, A53ATokenCountsOnceForItsClusterForFifteenMinutes) {
  const std::string unknown = Enrol(MakeJoinToken("eu-3", authority_.fingerprint(), {}), key_).body;
  EXPECT_THAT(unknown, HasSubstr("unknown, used, expired or for another cluster"));

  const JoinToken used = NewToken("eu-3");
  EXPECT_EQ(Enrol(used, key_).status, 200);
  EXPECT_EQ(Enrol(used, key_).body, unknown);

  JoinToken foreign = NewToken("eu-3");
  foreign.cluster = "eu-4";
  EXPECT_EQ(Enrol(foreign, key_).body, unknown);

  const JoinToken expired = NewToken("eu-3");
  clock_.Advance(kJoinTokenLife + absl::Seconds(1));
  EXPECT_EQ(Enrol(expired, key_).body, unknown);
  EXPECT_EQ(Enrol(expired, key_).status, 403);
}

TEST_F(Service, TheKeyMustBeProvedOverThisNonceTokenAndTarget) {
  const JoinToken token = NewToken("eu-3");
  const PrivateKey thief = PrivateKey::Generate();
  const std::string nonce = Nonce();
  const std::string message =
      EnrolmentProofMessage(HashTokenSecret(token.secret), nonce, key_.PublicDer(), kUid);
  const auto refused = [&](const std::string& member, const std::string& bytes) {
    address_ = absl::StrCat("10.0.0.", member, bytes.size());  // Failures do not add up here.
    const HttpReply reply =
        Ask("POST", "/v1/enrol", Enrolment(token, key_, nonce, member, absl::Base64Escape(bytes)));
    EXPECT_EQ(reply.status, 401) << member << " " << reply.body;
  };
  refused("publicKey", thief.PublicDer());
  refused("proof", thief.Sign(message));
  refused("proof", key_.Sign("other"));
  refused("targetUid", "fedcba9876543210");
  refused("nonce", std::string(56, 'x'));
  refused("nonce", "");
  clock_.Advance(absl::Seconds(61));
  refused("nonce", nonce);
  EXPECT_EQ(Enrol(token, key_).status, 200);
}

TEST_F(Service, A51OnlyACanonicalPublicKeyIsSignedAndNothingElseIsRead) {
  const JoinToken token = NewToken("eu-3");
  for (const std::string& key :
       {std::string(), key_.PublicDer() + "x", authority_.certificate().ToDer()}) {
    address_ = absl::StrCat("10.0.1.", key.size());
    EXPECT_EQ(Ask("POST", "/v1/enrol",
                  Enrolment(token, key_, Nonce(), "publicKey", absl::Base64Escape(key)))
                  .status,
              400);
  }
  // What a caller adds does not get in.
  std::string body = Enrolment(token, key_, Nonce());
  body.insert(
      1, R"("uri":"spiffe://lockstep/user/admin","ca":true,"notAfter":"2999-01-01","csr":"AAAA",)");
  const Certificate certificate = IssuedIn(Ask("POST", "/v1/enrol", body));
  EXPECT_EQ(certificate.ReadIdentity()->ToUri(), "spiffe://lockstep/cluster/eu-3");
  EXPECT_EQ(certificate.not_after(), kNow + absl::Hours(24));
}

TEST_F(Service, A57NamesThatAreNoneAreRefusedBeforeTheTokenIsLookedAt) {
  const JoinToken token = NewToken("eu-3");
  for (const char* name : {"", "EU-3", "eu-3.", "eu/3", "eu-3x/../eu-3", "\u0435u-3"}) {
    address_ = absl::StrCat("10.0.2.", name);
    const HttpReply reply =
        Ask("POST", "/v1/enrol", Enrolment(token, key_, Nonce(), "cluster", name));
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_THAT(reply.body, HasSubstr("cluster name")) << name;
  }
  EXPECT_EQ(Enrol(token, key_).status, 200);
}

TEST_F(Service, FiveRefusalsFromAnAddressAMinuteThenItWaits) {
  const JoinToken good = NewToken("eu-3");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Enrol(MakeJoinToken("eu-3", {}, {}), key_).status, 403);
  const HttpReply limited = Enrol(good, key_);
  EXPECT_EQ(limited.status, 429);
  EXPECT_THAT(limited.body, HasSubstr("wait a minute"));
  EXPECT_EQ(backend_.enrolled().size(), 0u);
  address_ = "10.0.0.2";
  EXPECT_EQ(Enrol(good, key_).status, 200);
  address_ = "10.0.0.1";
  clock_.Advance(absl::Seconds(61));
  EXPECT_EQ(Enrol(NewToken("eu-4"), key_).status, 200);
}

TEST_F(Service, ThereAreNoOtherRoutesAndBadBodiesSayWhatIsWrong) {
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/"},
                                                        {"GET", "/v1/enrol"},
                                                        {"POST", "/v1/nonce"},
                                                        {"PUT", "/v1/enrol"},
                                                        {"POST", "/v1/enrol/"},
                                                        {"POST", "//v1/enrol"},
                                                        {"POST", "/v1/enrol?x"},
                                                        {"POST", "/V1/enrol"}}) {
    EXPECT_EQ(Ask(method, target).status, 404) << method << " " << target;
  }
  for (const auto& [body, text] : std::vector<std::pair<std::string, std::string>>{
           {"", "request"},
           {"[]", "cluster"},
           {R"({"cluster":1})", "cluster"},
           {R"({"cluster":"a","secret":"?"})", "secret"}}) {
    address_ = "10.0.3." + body;
    const HttpReply reply = Ask("POST", "/v1/enrol", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_THAT(reply.body, HasSubstr(text)) << body;
  }
}

TEST_F(Service, F32AnExpiredCertificateIsRenewedOnProofOfItsKeyForSevenDays) {
  const Certificate first = IssuedIn(Enrol(NewToken("eu-3"), key_));
  clock_.Advance(absl::Hours(24 * 3));  // The hub was down for two days.
  const Certificate second = IssuedIn(Renew(first, key_));
  EXPECT_EQ(second.PublicDer(), first.PublicDer());
  EXPECT_EQ(second.ReadIdentity()->ToUri(), "spiffe://lockstep/cluster/eu-3");
  EXPECT_EQ(second.not_after(), clock_.Now() + absl::Hours(24));

  clock_.Advance(absl::Hours(24 * 8) - absl::Seconds(1));  // A second before the grace ends.
  EXPECT_EQ(Renew(second, key_).status, 200);
  clock_.Advance(absl::Seconds(2));
  const HttpReply late = Renew(second, key_);
  EXPECT_EQ(late.status, 403);
  EXPECT_THAT(late.body, HasSubstr("join again"));
}

TEST_F(Service, F32NobodyElseIsRenewed) {
  const Certificate first = IssuedIn(Enrol(NewToken("eu-3"), key_));
  clock_.Advance(absl::Hours(25));
  const PrivateKey thief = PrivateKey::Generate();
  EXPECT_EQ(Renew(first, thief).status, 401);

  const CertificateAuthority other = CertificateAuthority::Make(kNow).value();
  EXPECT_EQ(Renew(other.IssueAgent("eu-3", key_.PublicDer(), kNow).value(), key_).status, 401);

  EXPECT_EQ(Renew(authority_.IssueUser("ann", key_.PublicDer(), kNow).value(), key_).status, 403);
  EXPECT_EQ(Renew(authority_.IssueAgent("eu-4", key_.PublicDer(), kNow).value(), key_).status, 403);
}

TEST_F(Service, F32A54ARevokedKeyIsNotRenewed) {
  const Certificate first = IssuedIn(Enrol(NewToken("eu-3"), key_));
  clock_.Advance(absl::Hours(25));
  backend_.Revoke(key_.Fingerprint());
  const HttpReply reply = Renew(first, key_);
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("revoked"));
}

TEST_F(Service, F32JoiningAgainEndsTheOldKey) {
  const Certificate first = IssuedIn(Enrol(NewToken("eu-3"), key_));
  const PrivateKey next = PrivateKey::Generate();
  EXPECT_EQ(Enrol(NewToken("eu-3"), next).status, 200);
  clock_.Advance(absl::Hours(25));
  EXPECT_EQ(Renew(first, key_).status, 403);
}

TEST_F(Service, AnErrorOfTheHubsOwnIsToldToItsLogAlone) {
  EXPECT_EQ(ErrorReply(absl::InternalError("secret detail")).status, 500);
  EXPECT_THAT(ErrorReply(absl::InternalError("secret detail")).body, Not(HasSubstr("detail")));
  EXPECT_EQ(ErrorReply(absl::UnavailableError("the hub is stopping")).status, 503);
}

TEST(FailureLimit, RemembersABoundedNumberOfAddresses) {
  FailureLimit limit(1);
  for (int i = 0; i < 20'001; ++i) limit.Add(absl::StrCat(i), absl::ZeroDuration());
  EXPECT_FALSE(limit.Exceeded("0", absl::ZeroDuration()));
  EXPECT_TRUE(limit.Exceeded("20000", absl::ZeroDuration()));
  EXPECT_FALSE(limit.Exceeded("20000", absl::Minutes(1)));
}

}  // namespace
}  // namespace lockstep
