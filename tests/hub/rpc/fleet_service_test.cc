#include "hub/rpc/fleet_service.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "lockstep/v1/fleet.grpc.pb.h"

#include "common/base/channel.h"
#include "common/base/clock.h"
#include "hub/core/records.h"
#include "hub/record/key.h"
#include "hub/rpc/server.h"
#include "hub/rpc/verbs.h"
#include "tests/hub/rpc/call_by_name.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A hub of which the service is real and the core is the test: commands are answered by it,
// questions see its state.
class FleetServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    service_ = std::make_unique<FleetService>(FleetServiceParts{
        .read_peer = [this](const grpc::AuthContext&) { return peer_; },
        .check_user =
            [this](const PeerIdentity& peer) {
              MutexLock lock(&mutex_);
              return removed_.count(peer.name) == 0 ? absl::OkStatus()
                                                    : absl::UnauthenticatedError("removed");
            },
        .command =
            [this](std::string by, Loop::Action action, Loop::Done done) {
              by_ = std::move(by);
              action_ = std::move(action);
              done(reply_);
            },
        .read =
            [this](Loop::Reader reader) {
              if (full_) return false;
              reader(state_);
              return true;
            },
        .seal =
            [](const ResourceKey&, const SecretData& data) {
              return SealedSecret{
                  "sealed",
                  {{"password", static_cast<uint32_t>(data.values.at("password").size())}},
                  {}};
            },
        .new_token =
            [](absl::string_view) {
              return FreshToken{"lsj1.secret", Digest::Of("secret")};
            },
        .find_revision = [](const effect::StartFetch&, absl::string_view)
            -> absl::StatusOr<event::Fetched> { return absl::NotFoundError("no such revision"); },
        .store = &store_,
        .pool = &pool_,
        .clock = SystemClock(),
        .version = "test"});
    ASSERT_OK(service_->Start());
    server_ = std::make_unique<HubServer>(HubServerOptions{.services = {service_->service()}});
    ASSERT_OK(server_->Start());
    channel_ = server_->InProcessChannel();
    stub_ = v1::FleetService::NewStub(channel_);
  }
  void TearDown() override {
    service_->Stop();
    server_->Stop(absl::Seconds(5));
  }

  void AddCluster(const std::string& name, Labels labels = {}) {
    Cluster cluster;
    cluster.meta.name = name;
    cluster.meta.labels = std::move(labels);
    ResourceState resource;
    resource.resource = std::make_shared<const Resource>(cluster);
    state_.resources[{ResourceKind::kCluster, "", name}] = resource;
    state_.clusters[name];
  }

  std::vector<std::string> ListClusters(const std::string& selector, size_t* messages = nullptr) {
    grpc::ClientContext context;
    v1::ListRequest request;
    request.set_kind("Cluster");
    request.set_label_selector(selector);
    const auto reader = stub_->List(&context, request);
    std::vector<std::string> names;
    v1::ListResponse response;
    while (reader->Read(&response)) {
      if (messages != nullptr) ++*messages;
      for (const v1::Resource& resource : response.resources())
        names.push_back(resource.cluster().metadata().name());
    }
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
    return names;
  }

  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::FleetService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub_.get()->*method)(&context, request, response);
  }

  absl::StatusOr<PeerIdentity> peer_ =
      PeerIdentity{IdentityKind::kUser, "ann", Digest::Of("key"), absl::InfiniteFuture()};
  Mutex mutex_;
  std::set<std::string> removed_ ABSL_GUARDED_BY(mutex_);
  std::string by_;
  Loop::Action action_;
  absl::StatusOr<ReplyBody> reply_ = ReplyBody(reply::Done{});
  bool full_ = false;
  HubState state_;
  ModelStore store_{SystemClock()};
  ThreadPool pool_{"calls", 1};
  std::unique_ptr<FleetService> service_;
  std::unique_ptr<HubServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::FleetService::Stub> stub_;
};

TEST_F(FleetServiceTest, A62EveryMethodHasAVerbAndUnknownOnesNone) {
  EXPECT_OK(CheckVerbs());
  EXPECT_EQ(VerbOf("Drain"), std::nullopt);
  EXPECT_EQ(VerbOf("get"), std::nullopt);
  EXPECT_EQ(CallByName(channel_, "/lockstep.v1.FleetService/Drain").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(FleetServiceTest, A47AnAgentsKeyOpensNoMethod) {
  peer_ = PeerIdentity{IdentityKind::kCluster, "eu-1", Digest::Of("key"), absl::InfiniteFuture()};
  for (const std::string& path : MethodsOf("FleetService")) {
    EXPECT_EQ(CallByName(channel_, path).error_code(), grpc::StatusCode::PERMISSION_DENIED) << path;
  }
}

TEST_F(FleetServiceTest, A60WithoutAUserThereIsNoMethod) {
  {
    MutexLock lock(&mutex_);
    removed_.insert("ann");
  }
  for (const std::string& path : MethodsOf("FleetService")) {
    EXPECT_EQ(CallByName(channel_, path).error_code(), grpc::StatusCode::UNAUTHENTICATED) << path;
  }
}

TEST_F(FleetServiceTest, ListsByNameInMessagesOfAtMostAThousand) {
  for (int i = 0; i < 2500; ++i)
    AddCluster(absl::StrCat("c-", i), {{"tier", i % 2 == 0 ? "web" : "db"}});
  size_t messages = 0;
  const std::vector<std::string> all = ListClusters("", &messages);
  EXPECT_EQ(all.size(), 2500u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  EXPECT_GE(messages, 3u);
  EXPECT_EQ(ListClusters("tier=db").size(), 1250u);
}

TEST_F(FleetServiceTest, ChangesGoUnderTheCallersName) {
  v1::SuspendRequest request;
  request.mutable_key()->set_kind("Cluster");
  request.mutable_key()->set_name("eu-1");
  request.set_reason("maintenance");
  v1::SuspendResponse response;
  EXPECT_TRUE(Call(&v1::FleetService::Stub::Suspend, request, &response).ok());
  EXPECT_EQ(by_, "ann");
  EXPECT_EQ(std::get<command::Suspend>(action_).reason, "maintenance");
  EXPECT_EQ(std::get<command::Suspend>(action_).key,
            (ResourceKey{ResourceKind::kCluster, "", "eu-1"}));
}

TEST_F(FleetServiceTest, TheCoresRefusalReachesTheCaller) {
  reply_ = absl::FailedPreconditionError("the hub is read-only");
  v1::ResumeRequest request;
  request.mutable_key()->set_kind("Cluster");
  request.mutable_key()->set_name("eu-1");
  v1::ResumeResponse response;
  const grpc::Status status = Call(&v1::FleetService::Stub::Resume, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(status.error_message(), "the hub is read-only");
}

TEST_F(FleetServiceTest, AWrongFieldIsNamed) {
  v1::GetRequest request;
  v1::GetResponse response;
  request.mutable_key()->set_kind("Deployment");
  EXPECT_THAT(Call(&v1::FleetService::Stub::Get, request, &response).error_message(),
              HasSubstr("key.kind: \"Deployment\""));
  request.mutable_key()->set_kind("Application");
  request.mutable_key()->set_name("web");
  EXPECT_THAT(Call(&v1::FleetService::Stub::Get, request, &response).error_message(),
              HasSubstr("key.namespace"));
  request.mutable_key()->set_namespace_("shop");
  const grpc::Status status = Call(&v1::FleetService::Stub::Get, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("Application shop/web"));
}

TEST_F(FleetServiceTest, AQuestionToAFullHubIsAnsweredAllTheSame) {
  full_ = true;
  v1::GetHubResponse response;
  EXPECT_EQ(Call(&v1::FleetService::Stub::GetHub, v1::GetHubRequest(), &response).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  full_ = false;
  EXPECT_TRUE(Call(&v1::FleetService::Stub::GetHub, v1::GetHubRequest(), &response).ok());
  EXPECT_EQ(response.user(), "ann");
  EXPECT_EQ(response.version(), "test");
}

TEST_F(FleetServiceTest, A66ASecretIsSealedBeforeItLeavesTheCall) {
  v1::ApplyRequest request;
  v1::ApplyRequest::File* file = request.add_files();
  file->set_name("secret.yaml");
  file->set_content(
      "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: git}\nstringData: {password: "
      "canary}\n");
  reply_ = ReplyBody(reply::Applied{});
  v1::ApplyResponse response;
  const grpc::Status status = Call(&v1::FleetService::Stub::Apply, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto& apply = std::get<command::Apply>(action_);
  ASSERT_EQ(apply.resources.size(), 1u);
  EXPECT_TRUE(std::get<Secret>(apply.resources[0].resource).data.values.empty());
  EXPECT_EQ(apply.resources[0].secret->sealed, "sealed");
  EXPECT_THAT(apply.resources[0].place, testing::StartsWith("secret.yaml:"));
}

TEST_F(FleetServiceTest, ApplyTellsEveryErrorAndChangesNothing) {
  v1::ApplyRequest request;
  for (const char* name : {"a.yaml", "b.yaml"}) {
    v1::ApplyRequest::File* file = request.add_files();
    file->set_name(name);
    file->set_content(
        "apiVersion: lockstep.dev/v1\nkind: Cluster\nmetadata: {name: eu-1}\nspec: {suspended: "
        "true}\n");
  }
  v1::ApplyResponse response;
  const grpc::Status status = Call(&v1::FleetService::Stub::Apply, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(),
              testing::AllOf(HasSubstr("a.yaml:4"), HasSubstr("b.yaml:4"), HasSubstr("suspend")));
  EXPECT_EQ(by_, "");
}

TEST_F(FleetServiceTest, ATokenIsHandedOutOnlyWhenTheCoreTookIt) {
  v1::CreateJoinTokenRequest request;
  request.set_cluster("eu-1");
  v1::CreateJoinTokenResponse response;
  reply_ = absl::FailedPreconditionError("Git holds the cluster's labels");
  EXPECT_FALSE(Call(&v1::FleetService::Stub::CreateJoinToken, request, &response).ok());
  EXPECT_EQ(response.token(), "");
  reply_ = ReplyBody(reply::TokenMade{true, absl::UnixEpoch()});
  EXPECT_TRUE(Call(&v1::FleetService::Stub::CreateJoinToken, request, &response).ok());
  EXPECT_EQ(response.token(), "lsj1.secret");
  EXPECT_EQ(std::get<command::CreateJoinToken>(action_).token, Digest::Of("secret"));
}

TEST_F(FleetServiceTest, OrphansAreDeletedByTheListsThatWereShown) {
  v1::DeleteOrphansRequest request;
  v1::OrphanList* list = request.add_lists();
  list->set_cluster("eu-1");
  list->mutable_application()->set_kind("Application");
  list->mutable_application()->set_namespace_("shop");
  list->mutable_application()->set_name("web");
  v1::DeleteOrphansResponse response;
  EXPECT_EQ(Call(&v1::FleetService::Stub::DeleteOrphans, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  const Digest digest = Digest::Of("list");
  list->set_digest(std::string(digest.bytes()));
  reply_ = ReplyBody(reply::OrphansRequested{2});
  EXPECT_TRUE(Call(&v1::FleetService::Stub::DeleteOrphans, request, &response).ok());
  EXPECT_EQ(response.requested(), 2);
  const auto& lists = std::get<command::DeleteOrphans>(action_).lists;
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0].cluster, "eu-1");
  EXPECT_EQ(lists[0].application, "shop/web");
  EXPECT_EQ(lists[0].digest, digest);
}

TEST_F(FleetServiceTest, OrphansComeAThousandToAMessageUnderTheDigestOfTheirWholeList) {
  ApplicationReport left{.name = "shop/web", .state = ApplicationState::kReleased};
  for (int i = 1000; i < 3500; ++i)
    left.orphans.push_back({"", "ConfigMap", "shop", absl::StrCat("c", i)});
  state_.clusters["eu-1"].left["shop/web"] = left;
  grpc::ClientContext context;
  const auto reader = stub_->ListOrphans(&context, v1::ListOrphansRequest());
  v1::ListOrphansResponse response;
  std::vector<std::string> objects;
  std::vector<int> sizes;
  while (reader->Read(&response)) {
    ASSERT_EQ(response.lists_size(), 1);
    const v1::OrphanList& part = response.lists(0);
    EXPECT_EQ(part.digest(), KeyListDigest(left.orphans).bytes());
    sizes.push_back(part.objects_size());
    objects.insert(objects.end(), part.objects().begin(), part.objects().end());
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_THAT(sizes, ElementsAre(1000, 1000, 500));
  ASSERT_EQ(objects.size(), 2500u);
  EXPECT_EQ(objects.back(), "ConfigMap shop/c3499");
}

TEST_F(FleetServiceTest, AListOfDeletesIsToldWholeAndOnce) {
  reply::HeldList list{"eu-1", {}, Digest::Of("list")};
  for (int i = 0; i < 60000; ++i)
    list.objects.push_back({"", "ConfigMap", "shop", absl::StrCat("c", i)});
  reply::Approved approved{{list, list}, {}};
  approved.approved[1].cluster = "eu-2";
  reply_ = ReplyBody(approved);
  v1::ApproveRequest request;
  request.mutable_deletes()->mutable_application()->set_kind("Application");
  request.mutable_deletes()->mutable_application()->set_namespace_("shop");
  request.mutable_deletes()->mutable_application()->set_name("web");
  v1::ApproveResponse response;
  ASSERT_TRUE(Call(&v1::FleetService::Stub::Approve, request, &response).ok());
  ASSERT_EQ(response.approved_size(), 2);
  EXPECT_EQ(response.approved(0).objects_size(), 60000);
  EXPECT_EQ(response.approved(0).object_count(), 60000);
  EXPECT_EQ(response.approved(1).objects_size(), 0);
  EXPECT_EQ(response.approved(1).object_count(), 60000);
  EXPECT_EQ(response.approved(1).digest(), response.approved(0).digest());
}

TEST_F(FleetServiceTest, WatchSaysWhereItBeginsAndEachChangeAfterThat) {
  service_->Changed(5);
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, v1::WatchRequest());
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.sequence(), 5u);
  for (uint64_t sequence = 6; sequence <= 100; ++sequence) service_->Changed(sequence);
  int messages = 0;
  while (response.sequence() < 100 && reader->Read(&response)) ++messages;
  EXPECT_EQ(response.sequence(), 100u);
  EXPECT_LE(messages, 3);
  context.TryCancel();
}

TEST_F(FleetServiceTest, WatchFromNowBeginsAtOnceThoughNothingEverChanged) {
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, v1::WatchRequest());
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  context.TryCancel();
}

TEST_F(FleetServiceTest, A65AWatchEndsWhenItsUserIsRemoved) {
  service_->Changed(5);
  grpc::ClientContext context;
  const auto reader = stub_->Watch(&context, v1::WatchRequest());
  v1::WatchResponse response;
  ASSERT_TRUE(reader->Read(&response));
  {
    MutexLock lock(&mutex_);
    removed_.insert("ann");
  }
  EXPECT_FALSE(reader->Read(&response));  // Within 5 s; the looks are 2 s apart.
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(FleetServiceTest, EventsComeInOrderAndGoOnWithFollow) {
  const auto add = [this](uint64_t sequence, const std::string& cluster) {
    AuditEvent event;
    event.time = absl::UnixEpoch();
    event.reason = "Linked";
    event.about = ResourceKey{ResourceKind::kCluster, "", cluster};
    Batch batch;
    batch.Put(Family::kEvent, EventKey(sequence), EncodeEvent(event));
    ASSERT_OK(store_.Append(batch));
  };
  for (uint64_t sequence = 1; sequence <= 6; ++sequence)
    add(sequence, sequence % 2 == 0 ? "eu-1" : "us-1");
  grpc::ClientContext context;
  v1::EventsRequest request;
  request.set_follow(true);
  request.set_last(2);
  request.mutable_about()->set_kind("Cluster");
  request.mutable_about()->set_name("eu-1");
  const auto reader = stub_->Events(&context, request);
  v1::EventsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.events_size(), 2);
  EXPECT_EQ(response.events(0).sequence(), 4u);
  EXPECT_EQ(response.events(1).sequence(), 6u);
  add(8, "eu-1");
  service_->Changed(1);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.events(0).sequence(), 8u);
  context.TryCancel();
}

TEST_F(FleetServiceTest, NoHistoryAndNoEventsOfWhatIsNotThere) {
  v1::ResourceKey key;
  key.set_kind("Application");
  key.set_namespace_("shop");
  key.set_name("web");
  v1::HistoryRequest history;
  *history.mutable_application() = key;
  v1::HistoryResponse releases;
  const grpc::Status status = Call(&v1::FleetService::Stub::History, history, &releases);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "Application shop/web does not exist");

  const auto events = [&] {
    grpc::ClientContext context;
    v1::EventsRequest request;
    *request.mutable_about() = key;
    const auto reader = stub_->Events(&context, request);
    v1::EventsResponse response;
    while (reader->Read(&response)) {
    }
    return reader->Finish();
  };
  EXPECT_EQ(events().error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(events().error_message(), "Application shop/web does not exist");

  AuditEvent gone;
  gone.about = ResourceKey{ResourceKind::kApplication, "shop", "web"};
  Batch batch;
  batch.Put(Family::kEvent, EventKey(1), EncodeEvent(gone));
  ASSERT_OK(store_.Append(batch));
  EXPECT_TRUE(events().ok()) << "of what is gone there are events";
}

TEST_F(FleetServiceTest, HistoryIsTheNewestFirst) {
  Application web;
  web.meta.namespace_ = "shop";
  web.meta.name = "web";
  state_.resources[{ResourceKind::kApplication, "shop", "web"}].resource =
      std::make_shared<const Resource>(web);
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) {
    HistoryEntry entry;
    entry.time = absl::UnixEpoch();
    entry.generation = sequence;
    Batch batch;
    batch.Put(Family::kRelease, ReleaseKey({"shop/web", sequence, "eu-1"}), EncodeHistory(entry));
    ASSERT_OK(store_.Append(batch));
  }
  v1::HistoryRequest request;
  request.mutable_application()->set_kind("Application");
  request.mutable_application()->set_namespace_("shop");
  request.mutable_application()->set_name("web");
  request.set_limit(2);
  v1::HistoryResponse response;
  ASSERT_TRUE(Call(&v1::FleetService::Stub::History, request, &response).ok());
  ASSERT_EQ(response.releases_size(), 2);
  EXPECT_EQ(response.releases(0).generation(), 5u);
  EXPECT_EQ(response.releases(1).cluster(), "eu-1");
}

}  // namespace
}  // namespace lockstep
