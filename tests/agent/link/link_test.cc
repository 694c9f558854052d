#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <variant>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "agent/link/grpc_link.h"
#include "common/base/channel.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/rpc/credentials.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/server.h"
#include "tests/testing/status.h"
#include "tests/testing/tcp_proxy.h"
#include "tests/testing/test_authority.h"

namespace lockstep {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

struct Up {};
struct Down {};
using Seen = std::variant<Up, Down, HubMessage>;

// The agent's loop: says Hello when the link is up and keeps what comes.
class Recorder : public LinkEvents {
 public:
  void OnLinkUp() override {
    seen_.TrySend(Up{});
    if (link == nullptr) return;
    Hello hello;
    hello.target_uid = std::string(16, 'u');
    link->Send(Ack{});  // Of an earlier stream: the link drops it.
    link->Send(hello);
  }
  void OnLinkDown() override { seen_.TrySend(Down{}); }
  void OnMessage(HubMessage message) override { seen_.TrySend(std::move(message)); }

  template <typename T>
  std::optional<T> Next() {
    std::vector<Seen> seen = seen_.Drain(1, kPatience);
    if (seen.empty()) return std::nullopt;
    if constexpr (std::is_same_v<T, Up> || std::is_same_v<T, Down>) {
      if (auto* found = std::get_if<T>(&seen[0])) return *found;
    } else if (auto* message = std::get_if<HubMessage>(&seen[0])) {
      if (auto* found = std::get_if<T>(message)) return *found;
    }
    ADD_FAILURE() << "something else came: " << seen[0].index();
    return std::nullopt;
  }

  AgentLink* link = nullptr;

 private:
  Channel<Seen> seen_{1000};
};

// A hub of which the listener and the gateway are real, over mTLS.
class LinkTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-link-test"));
    const TlsMaterial material = authority_.Hub();
    files_ = {directory_ + "/key", directory_ + "/crt", directory_ + "/ca"};
    ASSERT_OK(WriteFileAtomic(files_.key, material.key_pem, Durability::kNone, 0600));
    ASSERT_OK(
        WriteFileAtomic(files_.certificate, material.certificate_pem, Durability::kNone, 0600));
    ASSERT_OK(WriteFileAtomic(files_.roots, material.roots_pem, Durability::kNone, 0600));
  }
  void TearDown() override {
    if (link_ != nullptr) link_->Stop();
    StopHub();
    EXPECT_OK(RemoveTree(directory_));
  }

  void StartHub(int port = 0) {
    gateway_ = std::make_unique<AgentGateway>(
        AgentGatewayParts{
            .read_peer = ReadPeer,
            .new_session = [this] { return ++last_session_; },
            .post = [this](Event event) { return events_.TrySend(std::move(event)); },
            .fence = [](absl::AnyInvocable<void()> done) { return done(), true; },
            .may_fetch =
                [](const PeerIdentity&, std::vector<Digest>, AgentGatewayParts::FetchVerdict done) {
                  done(AgentGatewayParts::Documents());
                },
            .issue =
                [this](const PeerIdentity&, absl::string_view, CertificateRequest request,
                       AgentGatewayParts::Issued done) {
                  requests_.TrySend(std::move(request));
                  done(CertificateIssued{{"new"}, absl::UnixEpoch()});
                },
            .read_blob = [](const Digest&) -> absl::StatusOr<std::string> { return ""; },
            .pool = &pool_,
            .rng = SystemRng(),
        },
        AgentGatewayLimits{});
    auto credentials =
        MakeServerCredentials(files_, [this](const PeerIdentity&) { return at_the_door_; });
    ASSERT_OK(credentials);
    server_ =
        std::make_unique<HubServer>(HubServerOptions{.address = absl::StrCat("127.0.0.1:", port),
                                                     .credentials = *credentials,
                                                     .services = {gateway_->service()},
                                                     .keepalive = keepalive_});
    ASSERT_OK(server_->Start());
  }
  void StopHub() {
    if (server_ == nullptr) return;
    gateway_->Shutdown(absl::Milliseconds(20));
    server_->Stop(absl::Seconds(8));
    server_.reset();
    gateway_.reset();
  }

  AgentIdentity Identity(const TlsMaterial& material, std::vector<int> ports) const {
    std::vector<HubAddress> hubs;
    for (const int port : ports) hubs.push_back({"127.0.0.1", static_cast<uint16_t>(port), 1});
    return {.cluster = "eu-1",
            .key = PrivateKey::FromPem(material.key_pem).value(),
            .certificate = Certificate::FromPem(material.certificate_pem).value(),
            .roots = {authority_.certificate()},
            .hubs = hubs};
  }

  void StartLink(AgentIdentity identity) {
    GrpcLinkOptions options{.identity = std::move(identity),
                            .renewal = renewal_,
                            .keepalive = keepalive_,
                            .clock = clock_,
                            .rng = &rng_};
    link_ = std::make_unique<GrpcAgentLink>(std::move(options));
    agent_.link = link_.get();
    link_->Start(&agent_);
  }
  void StartLink() { StartLink(Identity(authority_.Agent("eu-1"), {server_->port()})); }

  template <typename T>
  std::optional<T> NextEvent() {
    std::vector<Event> events = events_.Drain(1, kPatience);
    if (events.empty()) return std::nullopt;
    if (auto* found = std::get_if<T>(&events[0])) return std::move(*found);
    ADD_FAILURE() << "another event: " << events[0].index();
    return std::nullopt;
  }

  // How a stream ends that says nothing.
  grpc::Status CallLink(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    const auto stub = v1::AgentService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), credentials));
    grpc::ClientContext context;
    const auto stream = stub->Link(&context);
    v1::HubMessage message;
    EXPECT_FALSE(stream->Read(&message));
    return stream->Finish();
  }

  // From Hello to Welcome, as the core does it.
  void Welcomed() {
    ASSERT_TRUE(agent_.Next<Up>());
    const auto hello = NextEvent<event::AgentHello>();
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->cluster, "eu-1");
    session_ = hello->session;
    Welcome welcome;
    welcome.session = hello->session_name;
    welcome.hub_incarnation = std::string(16, 'i');
    welcome.spread = absl::Milliseconds(10);
    gateway_->Send(session_, welcome);
    ASSERT_TRUE(agent_.Next<Welcome>());
  }

  const TestAuthority authority_{SystemClock()->Now()};
  std::string directory_;
  TlsFiles files_;
  absl::Status at_the_door_;  // Fixed before StartHub.
  std::atomic<SessionId> last_session_{0};
  SessionId session_ = 0;
  Channel<Event> events_{1000};
  Channel<CertificateRequest> requests_{10};
  ThreadPool pool_{"blobs", 1};
  std::unique_ptr<AgentGateway> gateway_;
  std::unique_ptr<HubServer> server_;

  Keepalive keepalive_;
  const Clock* clock_ = SystemClock();
  SeededRng rng_{11};
  LinkIdentity renewal_;
  Recorder agent_;
  std::unique_ptr<GrpcAgentLink> link_;
};

TEST_F(LinkTest, ATalkOverMutualTls) {
  StartHub();
  StartLink();
  Welcomed();
  gateway_->Send(session_, Desired{.seq = 1});
  const auto desired = agent_.Next<Desired>();
  ASSERT_TRUE(desired);
  EXPECT_EQ(desired->seq, 1u);
  link_->Send(Ack{.received_through = 1});
  const auto said = NextEvent<event::AgentSaid>();
  ASSERT_TRUE(said);
  EXPECT_EQ(std::get<Ack>(said->message).received_through, 1u);
  EXPECT_NE(link_->channel(), nullptr);
  link_->Stop();
  EXPECT_TRUE(NextEvent<event::SessionClosed>());
  EXPECT_EQ(link_->channel(), nullptr);
}

TEST_F(LinkTest, F82ComesBackAfterTheHubWentDownAndUpAgain) {
  StartHub();
  StartLink();
  Welcomed();
  const int port = server_->port();
  StopHub();
  const auto goodbye = agent_.Next<Goodbye>();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(goodbye->reason, Goodbye::Reason::kShutdown);
  ASSERT_TRUE(agent_.Next<Down>());
  events_.Drain(1000, absl::ZeroDuration());
  StartHub(port);
  Welcomed();
}

TEST_F(LinkTest, F26AHalfOpenConnectionIsFoundByBothSidesAlsoAfterALongSilence) {
  keepalive_ = {.silence = absl::Milliseconds(200), .answer = absl::Milliseconds(500)};
  StartHub();
  TcpProxy proxy(server_->port());
  StartLink(Identity(authority_.Agent("eu-1"), {proxy.port()}));
  Welcomed();
  // Neither has anything to say; only their questions whether the other is there go back and forth.
  ASSERT_TRUE(proxy.AwaitFromServer(16));
  proxy.Swallow();
  EXPECT_TRUE(agent_.Next<Down>());
  EXPECT_TRUE(NextEvent<event::SessionClosed>());
  EXPECT_GT(proxy.swallowed(), 0);
}

TEST_F(LinkTest, TriesTheNextHubWhereOneDoesNotAnswer) {
  StartHub();
  StartLink(Identity(authority_.Agent("eu-1"), {1, server_->port()}));
  Welcomed();
}

TEST_F(LinkTest, RenewsItsCertificateOverTheStreamAtHalfLife) {
  const absl::Time now = SystemClock()->Now();
  const TlsMaterial old =
      authority_.Issue("spiffe://lockstep/cluster/eu-1", CertificateTemplate::Role::kClient,
                       now - absl::Hours(20), now + absl::Hours(4));
  const AgentIdentity next = Identity(authority_.Agent("eu-1"), {1});
  Channel<std::string> accepted(1);
  renewal_.accept = [&](const AgentIdentity& identity, const CertificateIssued& issued) {
    accepted.TrySend(issued.chain[0]);
    AgentIdentity renewed = next;
    renewed.hubs = identity.hubs;
    return absl::StatusOr<AgentIdentity>(renewed);
  };
  StartHub();
  StartLink(Identity(old, {server_->port()}));
  Welcomed();
  EXPECT_EQ(requests_.Drain(1, kPatience).size(), 1u);
  EXPECT_THAT(accepted.Drain(1, kPatience), testing::ElementsAre("new"));
  link_->Stop();  // Before what it calls goes.
}

TEST_F(LinkTest, F32AnExpiredCertificateIsRenewedBeforeTheLink) {
  const absl::Time now = SystemClock()->Now();
  const TlsMaterial expired =
      authority_.Issue("spiffe://lockstep/cluster/eu-1", CertificateTemplate::Role::kClient,
                       now - absl::Hours(50), now - absl::Hours(26));
  StartHub();
  renewal_.renew_after_expiry = [&](const AgentIdentity& identity) {
    return absl::StatusOr<AgentIdentity>(
        Identity(authority_.Agent("eu-1"), {identity.hubs[0].port}));
  };
  StartLink(Identity(expired, {server_->port()}));
  Welcomed();
}

TEST_F(LinkTest, A54AnAgentThatIsRefusedInTheHandshakeAsksWhyAndBothSaySo) {
  at_the_door_ = absl::PermissionDeniedError("the key of cluster eu-1 is revoked");
  Channel<std::string> asked(10);
  renewal_.renew_after_expiry = [&](const AgentIdentity& identity) {
    asked.TrySend(identity.cluster);
    return absl::StatusOr<AgentIdentity>(absl::PermissionDeniedError("join again, please"));
  };
  testing::internal::CaptureStderr();
  StartHub();
  StartLink();
  const std::optional<std::string> cluster = asked.Receive();
  link_->Stop();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(cluster, "eu-1");
  EXPECT_THAT(log, HasSubstr("msg=\"connection refused\" name=eu-1"));
  EXPECT_THAT(log, HasSubstr("is revoked"));
  EXPECT_THAT(log, HasSubstr("the hub refuses this agent"));
  EXPECT_THAT(log, HasSubstr("join again, please"));
}

TEST_F(LinkTest, A54WhyTheHubEndedTheStreamIsInTheLog) {
  testing::internal::CaptureStderr();
  StartHub();
  StartLink();
  ASSERT_TRUE(agent_.Next<Up>());
  const auto hello = NextEvent<event::AgentHello>();
  ASSERT_TRUE(hello);
  gateway_->Close(hello->session,
                  Goodbye{Goodbye::Reason::kRevoked, absl::ZeroDuration(), "this key was revoked"});
  ASSERT_TRUE(agent_.Next<Goodbye>());
  ASSERT_TRUE(agent_.Next<Down>());
  link_->Stop();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("the hub refuses this agent"));
  EXPECT_THAT(log, HasSubstr("this key was revoked"));
}

// Two days ahead of the hub.
class FastClock : public Clock {
 public:
  absl::Time Now() const override { return SystemClock()->Now() + absl::Hours(48); }
  absl::Duration Monotonic() const override { return SystemClock()->Monotonic(); }
};

TEST_F(LinkTest, F22ACertificateThatOnlyThisClockHoldsForExpiredIsTried) {
  const FastClock fast;
  clock_ = &fast;
  Channel<std::string> renewals(10);
  renewal_.renew_after_expiry = [&](const AgentIdentity& identity) {
    renewals.TrySend(identity.cluster);
    return absl::StatusOr<AgentIdentity>(absl::UnavailableError("refused"));
  };
  // Once linked, it asks over the stream, and may be answered before the test is over.
  renewal_.accept = [](const AgentIdentity&, const CertificateIssued&) {
    return absl::StatusOr<AgentIdentity>(absl::UnavailableError("refused"));
  };
  StartHub();
  StartLink();
  Welcomed();
  EXPECT_EQ(renewals.Drain(10, absl::ZeroDuration()).size(), 1u);
  link_->Stop();  // Before what it calls goes.
}

TEST_F(LinkTest, A52AHubOfAnotherAuthorityIsNotTalkedTo) {
  StartHub();
  const TestAuthority other(SystemClock()->Now());
  ASSERT_OK_AND_ASSIGN(const auto credentials, MakeHubChannelCredentials(other.Agent("eu-1")));
  EXPECT_EQ(CallLink(credentials).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(events_.Drain(1, absl::ZeroDuration()).empty());
}

TEST_F(LinkTest, A47AUsersKeyCannotOpenALink) {
  StartHub();
  ASSERT_OK_AND_ASSIGN(const auto credentials, MakeHubChannelCredentials(authority_.User("ann")));
  EXPECT_EQ(CallLink(credentials).error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(LinkTest, F30GarbageOnThePortHarmsNobody) {
  StartHub();
  StartLink();
  Welcomed();
  SeededRng rng(5);
  for (int i = 0; i < 50; ++i) {
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(server_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string bytes(1 + rng.Below(2000), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.Below(256));
    if (i % 2 == 0) bytes = "\x16\x03\x01" + bytes;  // As if a handshake began.
    EXPECT_GT(send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    close(descriptor);
  }
  gateway_->Send(session_, StatusAck{7});
  const auto ack = agent_.Next<StatusAck>();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->through, 7u);
}

}  // namespace
}  // namespace lockstep
