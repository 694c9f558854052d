#include "agent/identity/enrol.h"

#include <atomic>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/identity/https_client.h"
#include "common/base/file.h"
#include "common/base/thread.h"
#include "hub/identity/hub_identity.h"
#include "tests/hub/identity/fake_enrolment.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUid[] = "0123456789abcdef";

// A hub's real endpoint on a free port, and a place for an agent.
class Enrolment : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-enrol-test"));
    agent_directory_ = directory_ + "/agent";
    ASSERT_OK_AND_ASSIGN(hub_, MakeHub("hub"));
  }
  void TearDown() override {
    server_.reset();
    EXPECT_OK(RemoveTree(directory_));
  }

  absl::StatusOr<std::unique_ptr<HubIdentity>> MakeHub(const std::string& name) {
    const std::string data = directory_ + "/" + name;
    absl::Status made = InitHub({.data_directory = data,
                                 .addresses = {{"127.0.0.1"}},
                                 .context_file = directory_ + "/contexts",
                                 .context_name = name},
                                kNow);
    if (!made.ok()) return made;
    absl::StatusOr<HubIdentity> hub = HubIdentity::Load(data);
    if (!hub.ok()) return hub.status();
    return std::make_unique<HubIdentity>(*std::move(hub));
  }

  void Serve(const EnrolmentLimits& limits = {}) { Serve(*hub_->Material(), limits); }
  void Serve(const TlsMaterial& material, const EnrolmentLimits& limits = {}) {
    ASSERT_OK_AND_ASSIGN(
        server_,
        EnrolmentServer::Start({.listen_host = "127.0.0.1", .material = material, .limits = limits},
                               hub_->authority(), &backend_, &clock_));
  }

  JoinToken NewToken(absl::string_view cluster) {
    JoinToken token = MakeJoinToken(cluster, hub_->authority().fingerprint(),
                                    {{"127.0.0.1", 1, server_->port()}});
    backend_.AddToken(token);
    return token;
  }
  absl::StatusOr<AgentIdentity> Join(const JoinToken& token) {
    return Enrol(FormatJoinToken(token), place(), kUid, clock_.Now());
  }

  IdentityFile place() const { return IdentityFile(agent_directory_); }

  // A client that takes any server.
  HttpsClient Anyone() {
    return HttpsClient(absl::StrCat("127.0.0.1:", server_->port()),
                       [](absl::Span<const Certificate>) { return absl::OkStatus(); });
  }
  OwnedFd ConnectPlain() {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  std::string directory_;
  std::string agent_directory_;
  SharedClock clock_{kNow};
  FakeEnrolmentBackend backend_{&clock_};
  std::unique_ptr<HubIdentity> hub_;
  std::unique_ptr<EnrolmentServer> server_;
};

TEST_F(Enrolment, AnAgentJoinsAndKeepsItsIdentity) {
  Serve();
  const JoinToken token = NewToken("eu-3");
  ASSERT_OK_AND_ASSIGN(const AgentIdentity joined, Join(token));
  EXPECT_EQ(joined.cluster, "eu-3");
  EXPECT_EQ(backend_.enrolled().at("eu-3"), joined.key.Fingerprint());
  EXPECT_EQ(backend_.target_uid(), kUid);

  ASSERT_OK_AND_ASSIGN(const AgentIdentity loaded, LoadIdentity(place()));
  EXPECT_EQ(loaded.cluster, "eu-3");
  EXPECT_EQ(loaded.hubs, token.hubs);
  EXPECT_EQ(loaded.joined_with, HashTokenSecret(token.secret).ToHex());
  EXPECT_EQ(loaded.key.Fingerprint(), joined.key.Fingerprint());
  EXPECT_EQ(loaded.certificate.ToDer(), joined.certificate.ToDer());
  ASSERT_EQ(loaded.roots.size(), 1u);
  EXPECT_EQ(loaded.roots[0].ToDer(), hub_->authority().certificate().ToDer());
  EXPECT_OK(VerifyIssued(loaded.certificate, loaded.roots, CertificateUse::kClient, kNow));
}

TEST_F(Enrolment, NobodyElseMayReadTheAgentsKeyAndNoTokenIsKept) {
  Serve();
  const mode_t before = umask(0);
  const JoinToken token = NewToken("eu-3");
  ASSERT_OK(Join(token));
  umask(before);
  struct stat info;
  ASSERT_EQ(stat(agent_directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> files, ListDirectory(agent_directory_));
  EXPECT_THAT(files, testing::ElementsAre("identity.pem"));
  ASSERT_EQ(stat((agent_directory_ + "/identity.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(Enrolment, A53OfAHundredParallelRedemptionsOneSucceeds) {
  Serve({.handshakes_per_address = 200, .failures_per_minute = 1000});
  const JoinToken token = NewToken("eu-3");
  const std::string text = FormatJoinToken(token);
  std::atomic<int> joined{0};
  std::atomic<int> refused{0};
  {
    std::vector<Thread> agents;
    for (int i = 0; i < 100; ++i) {
      agents.emplace_back("agent", [&, i] {
        const absl::Status status =
            Enrol(text, IdentityFile(absl::StrCat(agent_directory_, i)), kUid, kNow).status();
        if (status.ok()) ++joined;
        if (absl::IsPermissionDenied(status)) ++refused;
      });
    }
  }
  EXPECT_EQ(joined, 1);
  EXPECT_EQ(refused, 99);
  EXPECT_EQ(backend_.enrolled().size(), 1u);
}

TEST_F(Enrolment, A53ARefusedTokenSaysWhatToDoAndLeavesTheOldIdentity) {
  Serve();
  ASSERT_OK_AND_ASSIGN(const AgentIdentity first, Join(NewToken("eu-3")));
  const absl::Status refused =
      Join(MakeJoinToken("eu-3", hub_->authority().fingerprint(), NewToken("x").hubs)).status();
  EXPECT_THAT(refused,
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("joining as cluster eu-3"), HasSubstr("join-token"))));
  ASSERT_OK_AND_ASSIGN(const AgentIdentity still, LoadIdentity(place()));
  EXPECT_EQ(still.key.Fingerprint(), first.key.Fingerprint());
  ASSERT_OK_AND_ASSIGN(const AgentIdentity second, Join(NewToken("eu-4")));
  EXPECT_NE(second.key.Fingerprint(), first.key.Fingerprint());
  EXPECT_EQ(LoadIdentity(place())->cluster, "eu-4");
}

TEST_F(Enrolment, A52AServerWithAnotherAuthorityIsRefusedBeforeTheTokenIsSent) {
  ASSERT_OK_AND_ASSIGN(const auto impostor, MakeHub("impostor"));
  Serve(*impostor->Material());
  const JoinToken token = NewToken("eu-3");
  EXPECT_THAT(Join(token).status(),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       HasSubstr("another authority than the join token names")));
  EXPECT_FALSE(PathExists(agent_directory_));

  // It shows the right authority's certificate too, but was not issued by it.
  TlsMaterial mixed = *impostor->Material();
  mixed.certificate_pem = impostor->certificate().ToPem() + hub_->authority().certificate().ToPem();
  Serve(mixed);
  JoinToken again = token;
  again.hubs[0].enrolment_port = server_->port();
  EXPECT_THAT(Join(again).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("certificate")));
  Serve();
  again.hubs[0].enrolment_port = server_->port();
  EXPECT_OK(Join(again));
}

TEST_F(Enrolment, A52AnAgentOrUserOfTheSameAuthorityIsNoHub) {
  const PrivateKey key = PrivateKey::Generate();
  ASSERT_OK_AND_ASSIGN(const Certificate agent,
                       hub_->authority().IssueAgent("eu-3", key.PublicDer(), kNow));
  Serve({.key_pem = key.ToPem(),
         .certificate_pem = agent.ToPem() + hub_->authority().certificate().ToPem(),
         .roots_pem = hub_->authority().certificate().ToPem()});
  EXPECT_THAT(Join(NewToken("eu-3")).status(),
              StatusIs(absl::StatusCode::kUnauthenticated, testing::_));
}

TEST_F(Enrolment, AWrongClockIsNamed) {
  Serve();
  const JoinToken token = NewToken("eu-3");
  EXPECT_THAT(Enrol(FormatJoinToken(token), place(), kUid, kNow + absl::Hours(24 * 365)).status(),
              StatusIs(absl::StatusCode::kUnauthenticated,
                       AllOf(HasSubstr("expired"), HasSubstr("clock says 2028"))));
}

TEST_F(Enrolment, TheNextAddressIsTriedIfOneDoesNotAnswer) {
  Serve();
  JoinToken token = NewToken("eu-3");
  // Bound, so that nobody else takes it, but not listening.
  OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const uint16_t deaf_port = ntohs(address.sin_port);
  token.hubs.insert(token.hubs.begin(), {"127.0.0.1", 1, deaf_port});
  EXPECT_OK(Join(token));
  token.hubs.resize(1);
  EXPECT_THAT(Join(token).status(), StatusIs(absl::StatusCode::kUnavailable,
                                             HasSubstr(absl::StrCat("127.0.0.1:", deaf_port))));
}

TEST_F(Enrolment, F32AnAgentWhoseHubWasDownForDaysComesBackByItself) {
  Serve();
  ASSERT_OK_AND_ASSIGN(const AgentIdentity first, Join(NewToken("eu-3")));
  EXPECT_FALSE(first.ExpiredAt(clock_.Now()));
  clock_.Advance(absl::Hours(24 * 7));
  EXPECT_TRUE(first.ExpiredAt(clock_.Now()));
  ASSERT_OK_AND_ASSIGN(const AgentIdentity second, RenewAfterExpiry(place(), first, clock_.Now()));
  EXPECT_FALSE(second.ExpiredAt(clock_.Now()));
  EXPECT_EQ(second.key.Fingerprint(), first.key.Fingerprint());
  EXPECT_EQ(LoadIdentity(place())->certificate.ToDer(), second.certificate.ToDer());

  clock_.Advance(absl::Hours(24 * 8 + 1));
  EXPECT_THAT(RenewAfterExpiry(place(), second, clock_.Now()).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("join again")));
  EXPECT_EQ(LoadIdentity(place())->certificate.ToDer(), second.certificate.ToDer());
}

TEST_F(Enrolment, F32ARevokedAgentDoesNotComeBack) {
  Serve();
  ASSERT_OK_AND_ASSIGN(const AgentIdentity first, Join(NewToken("eu-3")));
  backend_.Revoke(first.key.Fingerprint());
  clock_.Advance(absl::Hours(25));
  EXPECT_THAT(RenewAfterExpiry(place(), first, clock_.Now()).status(),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("revoked")));
}

TEST_F(Enrolment, TheEndpointTakesUpARenewedCertificate) {
  Serve();
  std::string shown;
  const auto look = [&] {
    HttpsClient client(absl::StrCat("127.0.0.1:", server_->port()),
                       [&](absl::Span<const Certificate> chain) {
                         shown = chain[0].ToDer();
                         return absl::OkStatus();
                       });
    EXPECT_OK(client.Get("/v1/nonce"));
    return shown;
  };
  const std::string first = hub_->certificate().ToDer();
  EXPECT_EQ(look(), first);
  ASSERT_OK_AND_ASSIGN(const bool renewed, hub_->RenewIfDue(kNow + absl::Hours(24 * 60)));
  ASSERT_TRUE(renewed);
  ASSERT_OK(server_->UseMaterial(*hub_->Material()));
  EXPECT_EQ(look(), hub_->certificate().ToDer());
  EXPECT_NE(look(), first);
}

TEST_F(Enrolment, ARequestThatIsTooLongIsRefused) {
  Serve();
  HttpsClient client = Anyone();
  ASSERT_OK_AND_ASSIGN(const HttpsAnswer fits,
                       client.Post("/v1/enrol", std::string(16 * 1024, ' ')));
  EXPECT_EQ(fits.status, 400);
  ASSERT_OK_AND_ASSIGN(const HttpsAnswer answer,
                       client.Post("/v1/enrol", std::string(16 * 1024 + 1, ' ')));
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, HasSubstr("too long"));
}

TEST_F(Enrolment, AHandshakeThatDoesNotEndIsEnded) {
  Serve({.handshake = absl::Milliseconds(20)});
  OwnedFd idle = ConnectPlain();
  char byte;
  EXPECT_LE(recv(idle.get(), &byte, 1, 0), 0);  // Blocks until the server hangs up.
}

TEST_F(Enrolment, UnfinishedHandshakesOfAnAddressAreCapped) {
  Serve({.handshakes_per_address = 2});
  std::vector<OwnedFd> idle;
  idle.push_back(ConnectPlain());
  idle.push_back(ConnectPlain());
  EXPECT_THAT(Anyone().Get("/v1/nonce").status(),
              StatusIs(absl::StatusCode::kUnavailable, testing::_));
  idle.clear();
  absl::Status status = absl::UnavailableError("");
  for (int i = 0; i < 10'000 && !status.ok(); ++i) status = Anyone().Get("/v1/nonce").status();
  EXPECT_OK(status);
}

TEST_F(Enrolment, ConnectionsAreCappedInAll) {
  Serve({.connections = 1});
  HttpsClient first = Anyone();
  ASSERT_OK(first.Get("/v1/nonce"));
  EXPECT_THAT(Anyone().Get("/v1/nonce").status(),
              StatusIs(absl::StatusCode::kUnavailable, testing::_));
  EXPECT_OK(first.Get("/v1/nonce"));
}

// Answers when it is told to.
class SlowBackend : public EnrolmentBackend {
 public:
  void Redeem(const Redemption&, Done done) override { held.Send(std::move(done)); }
  void AllowLateRenewal(const LateRenewal&, Done done) override { held.Send(std::move(done)); }

  Channel<Done> held{1};
};

TEST_F(Enrolment, AnAnswerAfterTheServerStoppedIsDropped) {
  SlowBackend slow;
  ASSERT_OK_AND_ASSIGN(
      server_, EnrolmentServer::Start({.listen_host = "127.0.0.1", .material = *hub_->Material()},
                                      hub_->authority(), &slow, &clock_));
  absl::Status status;
  const auto token = NewToken("eu-3");
  Thread agent("agent", [&] { status = Join(token).status(); });
  std::optional<EnrolmentBackend::Done> done = slow.held.Receive();
  ASSERT_TRUE(done.has_value());
  server_->Stop();
  server_->Stop();
  server_.reset();
  (*done)(absl::OkStatus());
  agent.Join();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("joining as cluster eu-3")));
}

TEST_F(Enrolment, APortThatIsTakenAndMaterialThatIsNoneAreErrors) {
  Serve();
  EnrolmentOptions options = {
      .listen_host = "127.0.0.1", .listen_port = server_->port(), .material = *hub_->Material()};
  EXPECT_THAT(EnrolmentServer::Start(options, hub_->authority(), &backend_, &clock_).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(absl::StrCat(server_->port()))));
  options.listen_host = "localhost";
  EXPECT_THAT(EnrolmentServer::Start(options, hub_->authority(), &backend_, &clock_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no IP address")));
  options.material.key_pem = PrivateKey::Generate().ToPem();
  EXPECT_THAT(EnrolmentServer::Start(options, hub_->authority(), &backend_, &clock_).status(),
              Not(IsOk()));
}

}  // namespace
}  // namespace lockstep
