#include "hub/rpc/agent_gateway.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "lockstep/v1/agent.grpc.pb.h"

#include "common/base/channel.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "common/rpc/wire.h"
#include "hub/rpc/server.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(20);

Hello SomeHello() {
  Hello hello;
  hello.target_uid = std::string(16, 'u');
  hello.start_counter = 3;
  return hello;
}

// A hub of which only the gateway is real: events are looked at by the test, which answers as the
// core would.
class AgentGatewayTest : public testing::Test {
 protected:
  void Start(AgentGatewayLimits limits = {}) {
    gateway_ = std::make_unique<AgentGateway>(
        AgentGatewayParts{
            .read_peer = [this](const grpc::AuthContext&) { return peer_; },
            .new_session = [this] { return ++last_session_; },
            .post = [this](Event event) { return events_.TrySend(std::move(event)); },
            .fence =
                [this](absl::AnyInvocable<void()> done) {
                  return fences_.TrySend(Shared(std::move(done)));
                },
            .may_fetch =
                [this](const PeerIdentity&, std::vector<Digest> digests,
                       AgentGatewayParts::FetchVerdict done) {
                  AgentGatewayParts::Documents documents;
                  for (const Digest& digest : digests) {
                    if (documents_.count(digest) != 0) {
                      documents[digest] = documents_[digest];
                      continue;
                    }
                    if (assigned_.count(digest) == 0)
                      return done(absl::NotFoundError("not in the assignment"));
                  }
                  done(std::move(documents));
                },
            .issue =
                [](const PeerIdentity& peer, absl::string_view, CertificateRequest request,
                   AgentGatewayParts::Issued done) {
                  if (request.public_key != "key")
                    return done(absl::PermissionDeniedError("another key"));
                  done(CertificateIssued{{"certificate of " + peer.name}, absl::UnixEpoch()});
                },
            .read_blob = [this](const Digest& digest) -> absl::StatusOr<std::string> {
              return blobs_[digest];
            },
            .pool = &pool_,
            .rng = SystemRng(),
        },
        limits);
    server_ = std::make_unique<HubServer>(HubServerOptions{.services = {gateway_->service()}});
    ASSERT_OK(server_->Start());
    stub_ = v1::AgentService::NewStub(server_->InProcessChannel());
  }

  void TearDown() override {
    if (gateway_ != nullptr) gateway_->Shutdown(absl::ZeroDuration());
    if (server_ != nullptr) server_->Stop(absl::Seconds(5));
  }

  template <typename T>
  T Next() {
    std::vector<Event> events = events_.Drain(1, kPatience);
    if (events.empty() || !std::holds_alternative<T>(events[0])) {
      ADD_FAILURE() << "no such event, but "
                    << (events.empty() ? -1 : static_cast<int>(events[0].index()));
      return T();
    }
    return std::get<T>(std::move(events[0]));
  }

  using Fence = std::shared_ptr<absl::AnyInvocable<void()>>;
  static Fence Shared(absl::AnyInvocable<void()> done) {
    return std::make_shared<absl::AnyInvocable<void()>>(std::move(done));
  }

  absl::StatusOr<PeerIdentity> peer_ =
      PeerIdentity{IdentityKind::kCluster, "eu-1", Digest::Of("key"), absl::InfiniteFuture()};
  std::atomic<SessionId> last_session_{0};
  Channel<Event> events_{100};
  Channel<Fence> fences_{100};
  std::set<Digest> assigned_;
  std::map<Digest, std::string> blobs_;
  AgentGatewayParts::Documents documents_;
  ThreadPool pool_{"blobs", 1};
  std::unique_ptr<AgentGateway> gateway_;
  std::unique_ptr<HubServer> server_;
  std::unique_ptr<v1::AgentService::Stub> stub_;
};

// An agent that says what the test tells it to.
class Talker {
 public:
  explicit Talker(v1::AgentService::Stub* stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
    stream_ = stub->Link(&context_);
  }
  ~Talker() { context_.TryCancel(); }

  bool Say(const AgentMessage& message) {
    v1::AgentMessage wire;
    ToWire(message, &wire);
    return stream_->Write(wire);
  }
  // Nothing where the stream ended.
  std::optional<HubMessage> Hear() {
    v1::HubMessage wire;
    if (!stream_->Read(&wire)) return std::nullopt;
    return *FromWire(wire);
  }
  grpc::Status End() {
    v1::HubMessage wire;
    while (stream_->Read(&wire)) {
    }
    return stream_->Finish();
  }
  // Reads nothing: returns when the hub has broken the stream off.
  grpc::Status WaitForCut() { return stream_->Finish(); }
  void HangUp() { stream_->WritesDone(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentMessage, v1::HubMessage>> stream_;
};

TEST_F(AgentGatewayTest, ATalkFromHelloToTheEnd) {
  Start();
  Talker agent(stub_.get());

  // Hello becomes an event with the cluster of the certificate.
  ASSERT_TRUE(agent.Say(SomeHello()));
  const auto hello = Next<event::AgentHello>();
  EXPECT_EQ(hello.cluster, "eu-1");
  EXPECT_EQ(hello.fingerprint, Digest::Of("key"));
  EXPECT_EQ(hello.session_name.size(), 16u);
  EXPECT_EQ(hello.hello.start_counter, 3u);

  // What the core sends arrives in order.
  Welcome welcome;
  welcome.session = hello.session_name;
  welcome.hub_incarnation = std::string(16, 'i');
  gateway_->Send(hello.session, welcome);
  gateway_->Send(hello.session, Desired{.seq = 1});
  const auto first = agent.Hear();
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<Welcome>(*first).session, hello.session_name);
  const auto second = agent.Hear();
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<Desired>(*second).seq, 1u);

  // What the agent says becomes events of the session.
  ASSERT_TRUE(agent.Say(Ack{.received_through = 1}));
  const auto ack = Next<event::AgentSaid>();
  EXPECT_EQ(ack.session, hello.session);
  EXPECT_EQ(std::get<Ack>(ack.message).received_through, 1u);

  // A renewal is answered without the core.
  ASSERT_TRUE(agent.Say(CertificateRequest{"key", "proof"}));
  const auto issued = agent.Hear();
  ASSERT_TRUE(issued);
  EXPECT_THAT(std::get<CertificateIssued>(*issued).chain, ElementsAre("certificate of eu-1"));

  // The agent hangs up, and the core hears of it.
  agent.HangUp();
  EXPECT_TRUE(agent.End().ok());
  EXPECT_EQ(Next<event::SessionClosed>().session, hello.session);
}

TEST_F(AgentGatewayTest, A47AUsersCertificateCannotBeAnAgent) {
  peer_ = PeerIdentity{IdentityKind::kUser, "ann", Digest::Of("key"), absl::InfiniteFuture()};
  Start();
  Talker agent(stub_.get());
  agent.Say(SomeHello());
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::PERMISSION_DENIED);

  grpc::ClientContext context;
  v1::FetchResponse response;
  auto fetch = stub_->Fetch(&context, v1::FetchRequest());
  EXPECT_FALSE(fetch->Read(&response));
  EXPECT_EQ(fetch->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(events_.Drain(1, absl::ZeroDuration()), testing::IsEmpty());
}

TEST_F(AgentGatewayTest, A60WithoutACertificateThereIsNoCall) {
  peer_ = absl::UnauthenticatedError("no certificate");
  Start();
  Talker agent(stub_.get());
  agent.Say(SomeHello());
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(AgentGatewayTest, AnythingBeforeHelloEndsTheStream) {
  Start();
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(Ack{}));
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(events_.Drain(1, absl::ZeroDuration()), testing::IsEmpty());
}

TEST_F(AgentGatewayTest, A88AStreamThatSaysNothingIsClosed) {
  Start({.hello = absl::Milliseconds(1)});
  Talker agent(stub_.get());
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
}

TEST_F(AgentGatewayTest, A88AMessageOverTheLimitEndsTheStreamAlone) {
  Start();
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(SomeHello()));
  const auto hello = Next<event::AgentHello>();
  StatusReport report;
  for (int i = 0; i < 20000; ++i) {
    report.drifts.push_back(
        {.application = "shop/web", .fields = {std::string(500, 'x')}, .time = absl::UnixEpoch()});
  }
  agent.Say(report);  // Over 4 MiB: gRPC itself refuses it.
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(Next<event::SessionClosed>().session, hello.session);

  Talker other(stub_.get());
  ASSERT_TRUE(other.Say(SomeHello()));
  Next<event::AgentHello>();
  ASSERT_TRUE(other.Say(CertificateRequest{"key", std::string(5000, 'x')}));
  const grpc::Status status = other.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("certificate_request: proof: 5000 bytes"));
}

TEST_F(AgentGatewayTest, A88ATalkativeAgentWaitsUntilTheLoopListened) {
  Start({.unread_messages = 3});
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(SomeHello()));
  Thread talk("talk", [&agent] {
    for (uint64_t i = 1; i <= 5; ++i) agent.Say(Beat{.status_seq = i});
  });
  Next<event::AgentHello>();
  Next<event::AgentSaid>();
  Next<event::AgentSaid>();
  std::vector<Fence> fence = fences_.Drain(1, kPatience);
  ASSERT_EQ(fence.size(), 1u);
  EXPECT_THAT(events_.Drain(1, absl::ZeroDuration()), testing::IsEmpty());
  (*fence[0])();
  EXPECT_EQ(std::get<Beat>(Next<event::AgentSaid>().message).status_seq, 3u);
  Next<event::AgentSaid>();
  Next<event::AgentSaid>();
  talk.Join();
}

TEST_F(AgentGatewayTest, AHubThatIsFullSaysSo) {
  Start();
  events_.Close();
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(SomeHello()));
  const auto goodbye = agent.Hear();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(std::get<Goodbye>(*goodbye).reason, Goodbye::Reason::kBusy);
  EXPECT_GE(std::get<Goodbye>(*goodbye).retry_after, absl::Seconds(1));
  EXPECT_EQ(agent.End().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(AgentGatewayTest, A54WhatTheCoreClosesEndsWithItsGoodbyeAndNoEventFollows) {
  Start();
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(SomeHello()));
  const auto hello = Next<event::AgentHello>();
  gateway_->Close(hello.session,
                  Goodbye{Goodbye::Reason::kRevoked, absl::ZeroDuration(), "revoked"});
  const auto goodbye = agent.Hear();
  ASSERT_TRUE(goodbye);
  EXPECT_EQ(std::get<Goodbye>(*goodbye).reason, Goodbye::Reason::kRevoked);
  EXPECT_TRUE(agent.End().ok());
  gateway_->Send(hello.session, StatusAck{1});  // Gone: dropped.
  server_->Stop(absl::Seconds(5));
  EXPECT_THAT(events_.Drain(1, absl::ZeroDuration()), testing::IsEmpty());
}

TEST_F(AgentGatewayTest, A54AnAgentThatDoesNotReadIsCutOff) {
  Start({.farewell = absl::Milliseconds(10)});
  Talker agent(stub_.get());
  ASSERT_TRUE(agent.Say(SomeHello()));
  const auto hello = Next<event::AgentHello>();
  // Far more than the windows hold, so that the write stays outstanding.
  auto delta = std::make_shared<DeltaMessage>();
  for (int i = 0; i < 30; ++i) {
    const std::string blob = std::string(100000, 'x') + std::to_string(i);
    delta->delta.changes.push_back({.position = i, .blob = Digest::Of(blob)});
    delta->data[Digest::Of(blob)] = blob;
  }
  ApplicationTarget target;
  target.name = "shop/web";
  target.generation = 1;
  target.content = std::shared_ptr<const DeltaMessage>(delta);
  for (uint64_t seq = 1; seq < 5; ++seq)
    gateway_->Send(hello.session, Desired{.seq = seq, .applications = {target}});
  gateway_->Close(hello.session,
                  Goodbye{Goodbye::Reason::kRevoked, absl::ZeroDuration(), "revoked"});
  EXPECT_EQ(agent.WaitForCut().error_code(), grpc::StatusCode::CANCELLED);
  server_->Stop(absl::Seconds(20));  // Returns when the stream's reactor is gone.
  EXPECT_EQ(gateway_->open_streams(), 0);
}

TEST_F(AgentGatewayTest, F82GoingDownTellsEveryAgentWhenToComeBack) {
  Start();
  std::vector<std::unique_ptr<Talker>> agents;
  for (int i = 0; i < 20; ++i) {
    agents.push_back(std::make_unique<Talker>(stub_.get()));
    ASSERT_TRUE(agents.back()->Say(SomeHello()));
    Next<event::AgentHello>();
  }
  gateway_->Shutdown(absl::Seconds(30));
  std::set<absl::Duration> delays;
  for (auto& agent : agents) {
    const auto goodbye = agent->Hear();
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(std::get<Goodbye>(*goodbye).reason, Goodbye::Reason::kShutdown);
    EXPECT_LT(std::get<Goodbye>(*goodbye).retry_after, absl::Seconds(30));
    delays.insert(std::get<Goodbye>(*goodbye).retry_after);
    EXPECT_TRUE(agent->End().ok());
  }
  EXPECT_GT(delays.size(), 10u) << "spread by chance";

  Talker late(stub_.get());
  EXPECT_EQ(late.End().error_code(), grpc::StatusCode::OK);  // Goodbye and out.
  const absl::Time begin = SystemClock()->Now();
  server_->Stop(absl::Seconds(10));
  EXPECT_LT(SystemClock()->Now() - begin, absl::Seconds(10));
}

// ---- Fetch

struct Fetched {
  std::map<Digest, std::string> blobs;
  size_t responses = 0;
  size_t largest = 0;
  grpc::Status status;
};

Fetched FetchAll(v1::AgentService::Stub* stub, const std::vector<Digest>& digests,
                 uint64_t offset = 0) {
  grpc::ClientContext context;
  v1::FetchRequest request;
  for (const Digest& digest : digests) request.add_digests(std::string(digest.bytes()));
  request.set_offset(offset);
  Fetched fetched;
  v1::FetchResponse response;
  auto reader = stub->Fetch(&context, request);
  while (reader->Read(&response)) {
    ++fetched.responses;
    fetched.largest = std::max(fetched.largest, response.ByteSizeLong());
    for (const v1::BlobPart& part : response.parts()) {
      std::string& blob = fetched.blobs[*Digest::FromBytes(part.digest())];
      const bool first = part.digest() == request.digests(0);
      EXPECT_EQ(part.offset(), blob.size() + (first ? offset : 0));
      blob += part.data();
    }
  }
  fetched.status = reader->Finish();
  return fetched;
}

TEST_F(AgentGatewayTest, ServesBlobsSmallOnesTogetherAndLargeOnesInParts) {
  std::vector<Digest> digests;
  for (int i = 0; i < 1000; ++i) {
    const std::string blob =
        "blob " + std::to_string(i) + std::string(i == 500 ? 3000000 : 10, 'x');
    digests.push_back(Digest::Of(blob));
    blobs_[digests.back()] = blob;
  }
  blobs_[Digest::Of("")] = "";
  digests.push_back(Digest::Of(""));
  assigned_.insert(digests.begin(), digests.end());
  Start();
  const Fetched fetched = FetchAll(stub_.get(), digests);
  EXPECT_TRUE(fetched.status.ok()) << fetched.status.error_message();
  EXPECT_EQ(fetched.blobs, blobs_);
  EXPECT_LT(fetched.responses, 12u);
  EXPECT_LT(fetched.largest, kFetchChunkBytes + (64 << 10));
}

TEST_F(AgentGatewayTest, ADocumentIsServedFromMemoryAmongBlobs) {
  const std::string document(3000000, 'd');
  documents_[Digest::Of(document)] = std::make_shared<const std::string>(document);
  blobs_[Digest::Of("blob")] = "blob";
  assigned_.insert(Digest::Of("blob"));
  Start();
  const Fetched fetched = FetchAll(stub_.get(), {Digest::Of(document), Digest::Of("blob")});
  EXPECT_TRUE(fetched.status.ok()) << fetched.status.error_message();
  EXPECT_EQ(fetched.blobs.at(Digest::Of(document)), document);
  EXPECT_EQ(fetched.blobs.at(Digest::Of("blob")), "blob");
}

TEST_F(AgentGatewayTest, F25TheFirstBlobIsSentFromTheOffsetOn) {
  const std::string large = std::string(2000000, 'a') + std::string(1000000, 'b');
  for (const std::string& blob : {large, std::string("small")}) {
    blobs_[Digest::Of(blob)] = blob;
    assigned_.insert(Digest::Of(blob));
  }
  Start();
  const std::vector<Digest> digests = {Digest::Of(large), Digest::Of("small")};
  for (const size_t offset : {size_t{1}, size_t{1999999}, large.size() - 1, large.size()}) {
    const Fetched fetched = FetchAll(stub_.get(), digests, offset);
    EXPECT_TRUE(fetched.status.ok()) << fetched.status.error_message();
    EXPECT_EQ(fetched.blobs.at(digests[0]), large.substr(offset));
    EXPECT_EQ(fetched.blobs.at(digests[1]), "small");
  }
  EXPECT_EQ(FetchAll(stub_.get(), digests, large.size() + 1).status.error_code(),
            grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(AgentGatewayTest, A48ADigestOutsideTheAssignmentIsNotFoundWhetherItExistsOrNot) {
  const Digest there = Digest::Of("of another cluster");
  blobs_[there] = "of another cluster";
  Start();
  const Fetched existing = FetchAll(stub_.get(), {there});
  const Fetched missing = FetchAll(stub_.get(), {Digest::Of("nowhere")});
  EXPECT_EQ(existing.status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(existing.status.error_message(), missing.status.error_message());
  EXPECT_EQ(existing.status.error_code(), missing.status.error_code());
  EXPECT_TRUE(existing.blobs.empty());
}

TEST_F(AgentGatewayTest, A88RefusesTooManyDigestsAndWrongOnes) {
  Start();
  EXPECT_EQ(FetchAll(stub_.get(), std::vector<Digest>(10001)).status.error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  grpc::ClientContext context;
  v1::FetchRequest request;
  request.add_digests("short");
  auto reader = stub_->Fetch(&context, request);
  v1::FetchResponse response;
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace lockstep
