#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "lockstep/v1/fleet.grpc.pb.h"

#include "common/base/clock.h"
#include "common/base/thread.h"
#include "common/render/map_snapshot.h"
#include "common/render/plain.h"
#include "hub/record/key.h"
#include "hub/rpc/fleet_service.h"
#include "hub/rpc/server.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"

// Diff over gRPC: what a revision would change on which cluster, from rendered folders and the
// store's blobs.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;
using Files = std::map<std::string, std::string>;

const std::string kNow(40, 'a');
const std::string kNext(40, 'b');

std::string ConfigMap(const std::string& name, const std::string& data) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name, "\ndata:\n",
                      data);
}

std::string Secret(const std::string& data) {
  return absl::StrCat("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n", data);
}

// Opens the commits that a test made.
class Commits : public SnapshotProvider {
 public:
  std::map<std::string, Files> files;

  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName&,
                                                       absl::string_view commit) override {
    const auto found = files.find(std::string(commit));
    if (found == files.end()) return absl::NotFoundError("no such commit");
    return std::make_shared<MapSnapshot>(std::string(commit), found->second);
  }
};

class DiffTest : public testing::Test {
 protected:
  void SetUp() override {
    service_ = std::make_unique<FleetService>(FleetServiceParts{
        .read_peer =
            [](const grpc::AuthContext&) {
              return PeerIdentity{IdentityKind::kUser, "ann", Digest::Of("key"),
                                  absl::InfiniteFuture()};
            },
        .check_user = [](const PeerIdentity&) { return absl::OkStatus(); },
        .read =
            [this](Loop::Reader reader) {
              reader(state_);
              return true;
            },
        .find_revision = [](const effect::StartFetch&,
                            absl::string_view revision) -> absl::StatusOr<event::Fetched> {
          return absl::NotFoundError(absl::StrCat("no revision ", revision));
        },
        .store = &store_,
        .snapshots = &commits_,
        .pool = &pool_,
        .clock = SystemClock(),
        .version = "test"});
    ASSERT_OK(service_->Start());
    server_ = std::make_unique<HubServer>(HubServerOptions{.services = {service_->service()}});
    ASSERT_OK(server_->Start());
    stub_ = v1::FleetService::NewStub(server_->InProcessChannel());
  }
  void TearDown() override {
    service_->Stop();
    server_->Stop(absl::Seconds(5));
  }

  // Application default/app, assigned on cluster eu-1 what `now` renders to; its repository's
  // newest commit has `next`.
  void Assign(const Files& now, const Files& next) {
    commits_.files = {{kNow, now}, {kNext, next}};
    Cluster cluster;
    cluster.meta.name = "eu-1";
    Add({ResourceKind::kCluster, "", "eu-1"}, cluster);
    GitRepository repository;
    repository.meta.name = "fleet";
    repository.meta.namespace_ = "default";
    Add({ResourceKind::kGitRepository, "default", "fleet"}, repository);
    Application application;
    application.meta.name = "app";
    application.meta.namespace_ = "default";
    application.spec.source = {"default", "fleet"};
    application.spec.placement.clusters = {"eu-1"};
    Add({ResourceKind::kApplication, "default", "app"}, application);
    SourceState& source = state_.sources[{"default", "fleet"}];
    source.commit = kNext;
    source.revision = "main@sha1:" + kNext;
    ASSERT_OK_AND_ASSIGN(const RenderedSet set,
                         RenderPlain(MapSnapshot(kNow, now), "", {}, nullptr));
    state_.clusters["eu-1"].instances["default/app"].assignment.manifest = set.manifest;
    for (const RenderedObject& object : set.objects)
      store_.Damage(Family::kBlob, BlobKey(object.blob), *object.json);
  }
  void Add(const ResourceKey& key, const Resource& resource) {
    ResourceState state;
    state.resource = std::make_shared<const Resource>(resource);
    state_.resources[key] = state;
  }

  grpc::Status Diff(std::vector<v1::DiffResponse>* responses, const std::string& revision = "") {
    grpc::ClientContext context;
    v1::DiffRequest request;
    request.mutable_application()->set_kind("Application");
    request.mutable_application()->set_namespace_("default");
    request.mutable_application()->set_name("app");
    request.set_revision(revision);
    const auto reader = stub_->Diff(&context, request);
    v1::DiffResponse response;
    while (reader->Read(&response)) responses->push_back(response);
    return reader->Finish();
  }
  // As "ACTION OBJECT", of all messages.
  static std::vector<std::string> Changes(const std::vector<v1::DiffResponse>& responses) {
    std::vector<std::string> lines;
    for (const v1::DiffResponse& response : responses) {
      for (const v1::ObjectChange& change : response.changes())
        lines.push_back(
            absl::StrCat(v1::ObjectChange::Action_Name(change.action()), " ", change.object()));
    }
    return lines;
  }

  HubState state_;
  Commits commits_;
  ModelStore store_{SystemClock()};
  ThreadPool pool_{"calls", 1};
  std::unique_ptr<FleetService> service_;
  std::unique_ptr<HubServer> server_;
  std::unique_ptr<v1::FleetService::Stub> stub_;
};

TEST_F(DiffTest, TellsWhatIsAddedChangedAndRemoved) {
  Assign({{"a.yaml", ConfigMap("a", "  x: one\n  y: same\n")},
          {"b.yaml", ConfigMap("b", "  x: one\n")},
          {"d.yaml", ConfigMap("d", "  x: one\n")}},
         {{"a.yaml", ConfigMap("a", "  x: two\n  y: same\n")},
          {"c.yaml", ConfigMap("c", "  x: one\n")},
          {"d.yaml", ConfigMap("d", "  x: one\n")}});
  std::vector<v1::DiffResponse> responses;
  const grpc::Status status = Diff(&responses);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_EQ(responses[0].cluster(), "eu-1");
  EXPECT_EQ(responses[0].revision(), "main@sha1:" + kNext);
  EXPECT_THAT(Changes(responses),
              testing::UnorderedElementsAre("CHANGE ConfigMap default/a", "ADD ConfigMap default/c",
                                            "REMOVE ConfigMap default/b"));
  for (const v1::ObjectChange& change : responses[0].changes()) {
    if (change.action() != v1::ObjectChange::CHANGE) continue;
    ASSERT_THAT(change.fields(), SizeIs(1));
    EXPECT_EQ(change.fields(0).path(), ".data.x");
    EXPECT_EQ(change.fields(0).before(), "\"one\"");
    EXPECT_EQ(change.fields(0).after(), "\"two\"");
  }
}

TEST_F(DiffTest, A66OfASecretOnlyThatItsFieldsDiffer) {
  const std::string annotation =
      "  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: "
      "'{\"data\":\"canary-7391\"}'\n";
  Assign(
      {{"s.yaml", Secret("  password: canary-7391\n  gone: canary-7391\n  same: s\n")}},
      {{"s.yaml", absl::StrCat("apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n", annotation,
                               "stringData:\n  password: canary-7392\n  same: s\n")}});
  std::vector<v1::DiffResponse> responses;
  ASSERT_TRUE(Diff(&responses).ok());
  ASSERT_THAT(Changes(responses), ElementsAre("CHANGE Secret default/s"));
  EXPECT_THAT(responses[0].DebugString(), Not(HasSubstr("canary")));
  const auto& fields = responses[0].changes(0).fields();
  EXPECT_THAT(fields, Not(IsEmpty()));
  std::string paths;
  for (const v1::FieldChange& field : fields) {
    EXPECT_EQ(field.before() + field.after(), "") << field.path();
    absl::StrAppend(&paths, field.path(), " ");
  }
  EXPECT_THAT(paths, AllOf(HasSubstr(".stringData.password"), Not(HasSubstr("same"))));
}

TEST_F(DiffTest, A66ASecretThatTurnsUpOrGoesShowsNothingOfItself) {
  Assign({{"s.yaml", Secret("  password: canary-7391\n")}},
         {{"a.yaml", ConfigMap("a", "  x: one\n")}});
  std::vector<v1::DiffResponse> responses;
  ASSERT_TRUE(Diff(&responses).ok());
  EXPECT_THAT(Changes(responses),
              testing::UnorderedElementsAre("REMOVE Secret default/s", "ADD ConfigMap default/a"));
  EXPECT_THAT(responses[0].DebugString(), Not(HasSubstr("canary")));
  EXPECT_TRUE(responses[0].held());  // All that it had would go.
}

TEST_F(DiffTest, AnObjectOfTenThousandLinesIsTold) {
  std::string before;
  std::string after;
  for (int i = 0; i < 10'000; ++i) {
    absl::StrAppend(&before, "  k", i, ": before\n");
    absl::StrAppend(&after, "  k", i, ": after\n");
  }
  Assign({{"a.yaml", ConfigMap("a", before)},
          {"b.yaml", ConfigMap("b", "  text: " + std::string(100'000, 'x') + "\n")}},
         {{"a.yaml", ConfigMap("a", after)},
          {"b.yaml", ConfigMap("b", "  text: " + std::string(100'000, 'y') + "\n")}});
  std::vector<v1::DiffResponse> responses;
  ASSERT_TRUE(Diff(&responses).ok());
  ASSERT_THAT(Changes(responses),
              ElementsAre("CHANGE ConfigMap default/a", "CHANGE ConfigMap default/b"));
  EXPECT_THAT(responses[0].changes(0).fields(), SizeIs(64));
  EXPECT_EQ(responses[0].changes(1).fields(0).after(), "\"… 100002 bytes\"");
  EXPECT_THAT(responses[0].ByteSizeLong(), Le(size_t{100'000}));
}

TEST_F(DiffTest, ManyChangesComeInMessagesOfABoundedSize) {
  Files now;
  Files next;
  for (int i = 0; i < 1200; ++i) {
    const std::string name = absl::StrCat("n", i);
    now[name + ".yaml"] = ConfigMap(name, "  x: " + std::string(4000, 'x') + "\n");
    next[name + ".yaml"] = ConfigMap(name, "  x: " + std::string(4000, 'y') + "\n");
  }
  Assign(now, next);
  std::vector<v1::DiffResponse> responses;
  ASSERT_TRUE(Diff(&responses).ok());
  EXPECT_THAT(Changes(responses), SizeIs(1200));
  for (const v1::DiffResponse& response : responses) {
    EXPECT_THAT(response.changes(), SizeIs(Le(500)));
    EXPECT_THAT(response.ByteSizeLong(), Le(size_t{3} << 20));
    EXPECT_EQ(response.cluster(), "eu-1");
  }
}

TEST_F(DiffTest, WhatDoesNotRenderSaysSoForItsCluster) {
  Assign({{"a.yaml", ConfigMap("a", "  x: one\n")}}, {{"a.yaml", "kind: [\n"}});
  std::vector<v1::DiffResponse> responses;
  ASSERT_TRUE(Diff(&responses).ok());
  ASSERT_THAT(responses, SizeIs(1));
  EXPECT_THAT(responses[0].error(), HasSubstr("a.yaml"));
  EXPECT_THAT(responses[0].changes(), IsEmpty());
}

TEST_F(DiffTest, ARevisionThatIsNotThereIsNamed) {
  Assign({{"a.yaml", ConfigMap("a", "  x: one\n")}}, {});
  std::vector<v1::DiffResponse> responses;
  const grpc::Status status = Diff(&responses, "release-9");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("release-9"));
}

}  // namespace
}  // namespace lockstep
