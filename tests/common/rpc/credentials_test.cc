#include "common/rpc/credentials.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "tests/testing/status.h"
#include "tests/testing/test_authority.h"
#include "tests/testing/who_am_i.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

class HubCredentials : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-credentials-test"));
    Write(authority_.Hub());
  }
  void TearDown() override {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    EXPECT_OK(RemoveTree(directory_));
  }

  TlsFiles Files() const {
    return {.key = directory_ + "/key",
            .certificate = directory_ + "/crt",
            .roots = directory_ + "/ca"};
  }

  void Write(const TlsMaterial& material) {
    ASSERT_OK(WriteFileAtomic(Files().key, material.key_pem, Durability::kNone, 0600));
    ASSERT_OK(WriteFileAtomic(Files().roots, material.roots_pem, Durability::kNone));
    ASSERT_OK(WriteFileAtomic(Files().certificate, material.certificate_pem, Durability::kNone));
  }

  void Serve(PeerCheck check, absl::Duration reload = absl::Minutes(1)) {
    ASSERT_OK_AND_ASSIGN(auto credentials,
                         MakeServerCredentials(Files(), std::move(check), reload));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", credentials, &port_);
    service_ = std::make_unique<WhoAmI>();
    builder.RegisterCallbackGenericService(service_.get());
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  absl::StatusOr<std::string> Call(const TlsMaterial& material) {
    auto credentials = MakeHubChannelCredentials(material);
    if (!credentials.ok()) return credentials.status();
    return AskWhoAmI(port_, *credentials);
  }

  // A client that takes any server of `authority_` and shows no certificate.
  std::shared_ptr<grpc::ChannelCredentials> Nobody() {
    grpc::experimental::TlsChannelCredentialsOptions options;
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
            authority_.certificate().ToPem()));
    options.watch_root_certs();
    options.set_check_call_host(false);
    options.set_certificate_verifier(
        std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
    return grpc::experimental::TlsCredentials(options);
  }

  const absl::Time now_ = SystemClock()->Now();
  const TestAuthority authority_{now_};
  const TestAuthority other_authority_{now_};
  std::string directory_;
  std::unique_ptr<WhoAmI> service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

absl::Status TakeAll(const PeerIdentity&) { return absl::OkStatus(); }

std::string FingerprintOf(const TlsMaterial& material) {
  return Certificate::FromPem(material.certificate_pem)->Fingerprint().ToHex();
}

TEST_F(HubCredentials, AgentsAndUsersAreKnownByTheirCertificates) {
  Serve(TakeAll);
  const TlsMaterial agent = authority_.Agent("eu-3");
  const TlsMaterial user = authority_.User("ann");
  EXPECT_THAT(Call(agent).value(), "0 eu-3 " + FingerprintOf(agent));
  EXPECT_THAT(Call(user).value(), "1 ann " + FingerprintOf(user));
}

TEST_F(HubCredentials, A47NoConnectionWithoutACertificateOfThisAuthority) {
  Serve(TakeAll);
  const auto refused = StatusIs(absl::StatusCode::kUnavailable, testing::_);
  EXPECT_THAT(AskWhoAmI(port_, Nobody()), refused);

  TlsMaterial stranger = other_authority_.Agent("eu-3");
  stranger.roots_pem = authority_.certificate().ToPem();
  EXPECT_THAT(Call(stranger), refused);

  const TlsMaterial expired =
      authority_.Issue("spiffe://lockstep/cluster/eu-3", CertificateTemplate::Role::kClient,
                       now_ - absl::Hours(48), now_ - absl::Hours(24));
  EXPECT_THAT(Call(expired), refused);

  const TlsMaterial early =
      authority_.Issue("spiffe://lockstep/cluster/eu-3", CertificateTemplate::Role::kClient,
                       now_ + absl::Hours(24), now_ + absl::Hours(48));
  EXPECT_THAT(Call(early), refused);

  const TlsMaterial server_only =
      authority_.Issue("spiffe://lockstep/cluster/eu-3", CertificateTemplate::Role::kServer);
  EXPECT_THAT(Call(server_only), refused);
}

TEST_F(HubCredentials, A55ACertificateThatNamesNoIdentityIsRefused) {
  Serve(TakeAll);
  for (const char* uri :
       {"", "https://example.com", "spiffe://lockstep/hub", "spiffe://lockstep/cluster/EU-3"}) {
    EXPECT_THAT(Call(authority_.Issue(uri, CertificateTemplate::Role::kClient)),
                StatusIs(absl::StatusCode::kUnavailable, testing::_))
        << uri;
  }
}

TEST_F(HubCredentials, TheCheckDecidesLast) {
  const TlsMaterial revoked = authority_.Agent("eu-3");
  Serve([fingerprint = FingerprintOf(revoked)](const PeerIdentity& peer) {
    return peer.fingerprint.ToHex() == fingerprint ? absl::PermissionDeniedError("revoked")
                                                   : absl::OkStatus();
  });
  EXPECT_THAT(Call(revoked), StatusIs(absl::StatusCode::kUnavailable, testing::_));
  EXPECT_OK(Call(authority_.Agent("eu-3")));
}

TEST_F(HubCredentials, A52AServerOfAnotherAuthorityIsRefusedWhateverItsName) {
  TlsMaterial impostor = other_authority_.Hub();
  impostor.roots_pem = authority_.certificate().ToPem();
  Write(impostor);
  Serve(TakeAll);
  EXPECT_THAT(Call(authority_.Agent("eu-3")), StatusIs(absl::StatusCode::kUnavailable, testing::_));
}

TEST_F(HubCredentials, A52AServerThatIsNotTheHubIsRefused) {
  for (const char* uri : {"spiffe://lockstep/cluster/eu-3", "spiffe://lockstep/user/admin", ""}) {
    Write(authority_.Issue(uri, CertificateTemplate::Role::kServer));
    Serve(TakeAll);
    EXPECT_THAT(Call(authority_.Agent("eu-3")),
                StatusIs(absl::StatusCode::kUnavailable, testing::_))
        << uri;
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
}

TEST_F(HubCredentials, ARenewedCertificateIsUsedWithoutARestart) {
  const TlsMaterial expired =
      authority_.Issue("spiffe://lockstep/hub", CertificateTemplate::Role::kServer,
                       now_ - absl::Hours(48), now_ - absl::Hours(24));
  Write(expired);
  Serve(TakeAll, absl::Seconds(1));
  const TlsMaterial agent = authority_.Agent("eu-3");
  EXPECT_THAT(Call(agent), StatusIs(absl::StatusCode::kUnavailable, testing::_));
  Write(authority_.Hub());
  absl::StatusOr<std::string> answer = Call(agent);
  for (int i = 0; i < 10'000 && !answer.ok(); ++i) answer = Call(agent);
  EXPECT_OK(answer);
}

TEST_F(HubCredentials, MaterialThatDoesNotBelongTogetherIsAnErrorAtOnce) {
  TlsMaterial mixed = authority_.Hub();
  mixed.certificate_pem = authority_.Hub().certificate_pem;
  EXPECT_THAT(MakeHubChannelCredentials(mixed).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("private key")));
  Write(mixed);
  EXPECT_THAT(MakeServerCredentials(Files(), TakeAll).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(Files().certificate)));
  ASSERT_OK(RemoveFile(Files().roots));
  EXPECT_THAT(MakeServerCredentials(Files(), TakeAll).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(Files().roots)));
}

}  // namespace
}  // namespace lockstep
