#include <chrono>

#include <absl/cleanup/cleanup.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "agent/identity/enrol.h"
#include "common/base/file.h"
#include "common/rpc/credentials.h"
#include "hub/identity/hub_identity.h"
#include "hub/identity/revoked_keys.h"
#include "tests/hub/identity/fake_enrolment.h"
#include "tests/testing/status.h"
#include "tests/testing/who_am_i.h"

namespace lockstep {
namespace {

using testing::StartsWith;

// All of it in a row, as two programs do it: init, join, connect, revoke, renew. gRPC judges
// certificates by the machine's own clock.
TEST(A54Connect, AnAgentThatJoinedAndAUserMayConnectUntilTheirKeysAreRevoked) {
  const absl::Time now = SystemClock()->Now();
  ASSERT_OK_AND_ASSIGN(const std::string directory,
                       MakeTemporaryDirectory("lockstep-connect-test"));
  const absl::Cleanup remove = [&] { EXPECT_OK(RemoveTree(directory)); };
  ASSERT_OK(InitHub({.data_directory = directory + "/hub",
                     .addresses = {{"127.0.0.1"}},
                     .context_file = directory + "/contexts"},
                    now));
  ASSERT_OK_AND_ASSIGN(const HubIdentity hub, HubIdentity::Load(directory + "/hub"));

  FakeEnrolmentBackend backend(SystemClock());
  ASSERT_OK_AND_ASSIGN(
      const auto enrolment,
      EnrolmentServer::Start({.listen_host = "127.0.0.1", .material = *hub.Material()},
                             hub.authority(), &backend, SystemClock()));
  const JoinToken token =
      MakeJoinToken("eu-3", hub.authority().fingerprint(), {{"127.0.0.1", 1, enrolment->port()}});
  backend.AddToken(token);
  ASSERT_OK_AND_ASSIGN(
      const AgentIdentity agent,
      Enrol(FormatJoinToken(token), IdentityFile(directory + "/agent"), "0123456789abcdef", now));

  RevokedKeys revoked;
  const UserDirectory users = hub.users();
  ASSERT_OK_AND_ASSIGN(const auto credentials,
                       MakeServerCredentials(hub.Files(), MakeHubPeerCheck(&revoked, &users)));
  WhoAmI service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", credentials, &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const auto ask = [port](const TlsMaterial& material) {
    return AskWhoAmI(port, MakeHubChannelCredentials(material).value());
  };

  EXPECT_THAT(ask(agent.Material()).value(), StartsWith("0 eu-3 "));
  ASSERT_OK_AND_ASSIGN(const ContextFile contexts, LoadContextFile(directory + "/contexts"));
  const TlsMaterial admin = contexts.Find("")->material;
  EXPECT_THAT(ask(admin).value(), StartsWith("1 admin "));

  const auto refused = StatusIs(absl::StatusCode::kUnavailable, testing::_);
  revoked.Replace({agent.key.Fingerprint()});
  EXPECT_THAT(ask(agent.Material()), refused);
  ASSERT_OK_AND_ASSIGN(const UserCredentials renewed, users.Renew(hub.authority(), "admin", now));
  EXPECT_THAT(ask(admin), refused);
  EXPECT_THAT(ask(hub.MakeContext("", "admin", renewed).material).value(), StartsWith("1 admin "));
  server->Shutdown(std::chrono::system_clock::now());
}

}  // namespace
}  // namespace lockstep
