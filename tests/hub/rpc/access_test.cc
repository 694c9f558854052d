#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "common/rpc/credentials.h"
#include "hub/rpc/agent_gateway.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/server.h"
#include "tests/hub/rpc/call_by_name.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"
#include "tests/testing/test_authority.h"

// Who may call what, over TLS with real certificates: every method that the services declare,
// against every kind of certificate. The hub behind them counts what reaches it.

namespace lockstep {
namespace {

using testing::Gt;
using testing::SizeIs;

class Access : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(directory_, MakeTemporaryDirectory("lockstep-access-"));
    const TlsMaterial hub = authority_.Hub();
    const TlsFiles files{directory_ + "/key", directory_ + "/crt", directory_ + "/ca"};
    ASSERT_OK(WriteFileAtomic(files.key, hub.key_pem, Durability::kNone, 0600));
    ASSERT_OK(WriteFileAtomic(files.certificate, hub.certificate_pem, Durability::kNone));
    ASSERT_OK(WriteFileAtomic(files.roots, hub.roots_pem, Durability::kNone));
    ASSERT_OK_AND_ASSIGN(auto credentials, MakeServerCredentials(files, [](const PeerIdentity&) {
                           return absl::OkStatus();
                         }));
    fleet_ = std::make_unique<FleetService>(
        FleetServiceParts{.read_peer = ReadPeer,
                          .check_user = [](const PeerIdentity&) { return absl::OkStatus(); },
                          .command =
                              [this](std::string, Loop::Action, Loop::Done done) {
                                ++reached_;
                                done(ReplyBody(reply::Done{}));
                              },
                          .read =
                              [this](Loop::Reader reader) {
                                ++reached_;
                                reader(state_);
                                return true;
                              },
                          .store = &store_,
                          .pool = &pool_,
                          .clock = SystemClock(),
                          .version = "test"});
    ASSERT_OK(fleet_->Start());
    agents_ = std::make_unique<AgentGateway>(
        AgentGatewayParts{.read_peer = ReadPeer,
                          .new_session = [this]() -> SessionId { return ++reached_; },
                          .post =
                              [this](Event) {
                                ++reached_;
                                return true;
                              },
                          .fence =
                              [](absl::AnyInvocable<void()> done) {
                                done();
                                return true;
                              },
                          .may_fetch =
                              [this](const PeerIdentity&, std::vector<Digest>,
                                     AgentGatewayParts::FetchVerdict done) {
                                ++reached_;
                                done(absl::OkStatus());
                              },
                          .pool = &pool_,
                          .rng = SystemRng()},
        AgentGatewayLimits{});
    server_ = std::make_unique<HubServer>(
        HubServerOptions{.address = "127.0.0.1:0",
                         .credentials = credentials,
                         .services = {fleet_->service(), agents_->service()}});
    ASSERT_OK(server_->Start());
  }
  void TearDown() override {
    agents_->Shutdown(absl::ZeroDuration());
    fleet_->Stop();
    server_->Stop(absl::Seconds(5));
    EXPECT_OK(RemoveTree(directory_));
  }

  std::shared_ptr<grpc::Channel> ChannelFor(std::shared_ptr<grpc::ChannelCredentials> credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()), credentials,
                                     arguments);
  }
  std::shared_ptr<grpc::Channel> ChannelFor(const TlsMaterial& material) {
    return ChannelFor(MakeHubChannelCredentials(material).value());
  }

  // Takes the hub's certificate for good and shows none.
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

  // Every method of `service` is refused with `code`, and nothing reaches the hub.
  void ExpectRefused(const std::shared_ptr<grpc::Channel>& channel, const std::string& service,
                     grpc::StatusCode code) {
    const int before = reached_;
    for (const std::string& path : MethodsOf(service)) {
      const grpc::Status status = CallByName(channel, path);
      EXPECT_EQ(status.error_code(), code) << path << ": " << status.error_message();
    }
    EXPECT_EQ(reached_, before) << service;
  }
  void ExpectNoConnection(const TlsMaterial& material) {
    const std::shared_ptr<grpc::Channel> channel = ChannelFor(material);
    ExpectRefused(channel, "FleetService", grpc::StatusCode::UNAVAILABLE);
    ExpectRefused(channel, "AgentService", grpc::StatusCode::UNAVAILABLE);
  }

  const absl::Time now_ = SystemClock()->Now();
  const TestAuthority authority_{now_};
  std::string directory_;
  std::atomic<int> reached_{0};
  HubState state_;
  ModelStore store_{SystemClock()};
  ThreadPool pool_{"calls", 1};
  std::unique_ptr<FleetService> fleet_;
  std::unique_ptr<AgentGateway> agents_;
  std::unique_ptr<HubServer> server_;
};

TEST_F(Access, A47AnAgentsKeyOpensNoMethodOfPeople) {
  ASSERT_THAT(MethodsOf("FleetService"), SizeIs(Gt(10)));
  ExpectRefused(ChannelFor(authority_.Agent("eu-1")), "FleetService",
                grpc::StatusCode::PERMISSION_DENIED);
}

TEST_F(Access, A47AUsersKeyOpensNoMethodOfAgents) {
  ASSERT_THAT(MethodsOf("AgentService"), SizeIs(Gt(1)));
  const std::shared_ptr<grpc::Channel> user = ChannelFor(authority_.User("ann"));
  ExpectRefused(user, "AgentService", grpc::StatusCode::PERMISSION_DENIED);
  // The same connection does what it is for.
  EXPECT_TRUE(CallByName(user, "/lockstep.v1.FleetService/GetHub").ok());
  EXPECT_EQ(reached_, 1);
}

TEST_F(Access, A47WithoutACertificateOfThisAuthorityThereIsNoMethod) {
  const std::shared_ptr<grpc::Channel> nobody = ChannelFor(Nobody());
  ExpectRefused(nobody, "FleetService", grpc::StatusCode::UNAVAILABLE);
  ExpectRefused(nobody, "AgentService", grpc::StatusCode::UNAVAILABLE);
  const TestAuthority other(now_);
  for (TlsMaterial stranger : {other.Agent("eu-1"), other.User("ann")}) {
    stranger.roots_pem = authority_.certificate().ToPem();
    ExpectNoConnection(stranger);
  }
}

TEST_F(Access, A47OutsideItsTimeACertificateOpensNoMethod) {
  using Role = CertificateTemplate::Role;
  for (const char* uri : {"spiffe://lockstep/cluster/eu-1", "spiffe://lockstep/user/ann"}) {
    ExpectNoConnection(
        authority_.Issue(uri, Role::kClient, now_ - absl::Hours(48), now_ - absl::Hours(1)));
    ExpectNoConnection(
        authority_.Issue(uri, Role::kClient, now_ + absl::Hours(1), now_ + absl::Hours(48)));
  }
}

TEST_F(Access, A55ACertificateThatIsNotOneOfOursByItsOneNameOpensNoMethod) {
  for (const char* names : {"URI:spiffe://lockstep/cluster/eu-1,URI:spiffe://lockstep/user/ann",
                            "URI:spiffe://lockstep/user/ann,URI:spiffe://lockstep/user/ann",
                            "URI:https://lockstep/user/ann", "URI:SPIFFE://lockstep/user/ann",
                            "URI:spiffe://lockstep/hub", "DNS:ann", "email:ann@lockstep"}) {
    SCOPED_TRACE(names);
    ExpectNoConnection(authority_.IssueWithNames(names));
  }
  // What makes these is no reason to refuse.
  ExpectRefused(ChannelFor(authority_.IssueWithNames("URI:spiffe://lockstep/user/ann")),
                "AgentService", grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace lockstep
