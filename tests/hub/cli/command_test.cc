#include "hub/cli/command.h"

#include <set>
#include <sstream>

#include <CLI/CLI.hpp>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>

#include "hub/cli/client.h"
#include "hub/cli/help.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Answers with what a test put into it and keeps what was asked.
class FakeFleet : public v1::FleetService::Service {
 public:
  grpc::Status List(grpc::ServerContext*, const v1::ListRequest* request,
                    grpc::ServerWriter<v1::ListResponse>* writer) override {
    list_request = *request;
    for (const v1::Resource& resource : resources) {
      v1::ListResponse response;
      *response.add_resources() = resource;
      writer->Write(response);
    }
    return grpc::Status::OK;
  }
  grpc::Status Get(grpc::ServerContext*, const v1::GetRequest* request,
                   v1::GetResponse* response) override {
    if (resources.empty()) {
      return {grpc::StatusCode::NOT_FOUND,
              absl::StrCat(KeyText(request->key()), " does not exist")};
    }
    *response->mutable_resource() = resources.front();
    return grpc::Status::OK;
  }
  grpc::Status Apply(grpc::ServerContext*, const v1::ApplyRequest* request,
                     v1::ApplyResponse*) override {
    apply_request = *request;
    return {grpc::StatusCode::INVALID_ARGUMENT,
            "a.yaml:3:1: spec.intervall: unknown field; did you mean \"interval\"?"};
  }
  grpc::Status Approve(grpc::ServerContext*, const v1::ApproveRequest* request,
                       v1::ApproveResponse* response) override {
    approvals.push_back(*request);
    v1::HeldList* list = response->add_approved();
    list->set_cluster("eu-1");
    list->set_digest("d");
    list->add_objects("ConfigMap shop/a");
    list->set_object_count(1);
    return grpc::Status::OK;
  }
  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest*,
                     grpc::ServerWriter<v1::WatchResponse>* writer) override {
    v1::WatchResponse response;
    for (int i = 0; i < 3; ++i) {
      response.set_sequence(static_cast<uint64_t>(i));
      writer->Write(response);
    }
    return {grpc::StatusCode::DEADLINE_EXCEEDED, "over"};
  }
  grpc::Status Sync(grpc::ServerContext*, const v1::SyncRequest*,
                    v1::SyncResponse* response) override {
    response->set_revision("main@sha1:0123456789");
    response->set_changed(true);
    return grpc::Status::OK;
  }

  std::vector<v1::Resource> resources;
  v1::ListRequest list_request;
  v1::ApplyRequest apply_request;
  std::vector<v1::ApproveRequest> approvals;
};

class CommandTest : public testing::Test {
 protected:
  CommandTest() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&fleet_);
    server_ = builder.BuildAndStart();
  }

  int Run(const std::string& line, const std::string& typed = "", bool interactive = false) {
    out_.str("");
    talk_.str("");
    std::istringstream in(typed);
    CommandContext context(
        &in, &out_, &talk_, interactive, &clock_,
        [this](const GlobalFlags&) -> absl::StatusOr<std::unique_ptr<FleetClient>> {
          return std::make_unique<FleetClient>(
              v1::FleetService::NewStub(server_->InProcessChannel({})), "test:1",
              absl::Seconds(20));
        });
    CommandSet commands(&context);
    AddAllCommands(&commands);
    return commands.Run(absl::StrSplit(line, ' '));
  }

  static v1::Resource Web(bool ready) {
    v1::Resource resource;
    v1::Application* app = resource.mutable_application();
    app->mutable_metadata()->set_name("web");
    app->mutable_metadata()->set_namespace_("shop");
    app->mutable_metadata()->mutable_creation_timestamp()->set_seconds(1000);
    app->mutable_status()->set_revision("main@sha1:0123456789");
    app->mutable_status()->set_clusters(14);
    app->mutable_status()->set_clusters_ready(ready ? 14 : 13);
    app->mutable_status()->set_state(ready ? "Synced" : "Held");
    v1::Condition* condition = app->mutable_status()->add_conditions();
    condition->set_type("Ready");
    condition->set_status(ready ? "True" : "False");
    condition->set_message("eu-3: 12 of 40 objects would be deleted");
    return resource;
  }

  FakeFleet fleet_;
  std::unique_ptr<grpc::Server> server_;
  ManualClock clock_{absl::FromUnixSeconds(1000) + absl::Hours(72)};
  std::ostringstream out_;
  std::ostringstream talk_;
};

TEST_F(CommandTest, GetPrintsATableForPeople) {
  fleet_.resources = {Web(false)};
  EXPECT_EQ(Run("get applications -A"), kExitDone);
  EXPECT_EQ(out_.str(),
            "NAMESPACE  NAME  REVISION      CLUSTERS  READY  STATE  AGE  MESSAGE\n"
            "shop       web   main@0123456  13/14     False  Held   3d   eu-3: 12 of 40 objects "
            "would be deleted\n");
  EXPECT_EQ(fleet_.list_request.namespace_(), "");
}

TEST_F(CommandTest, GetAsksForTheNamespaceAndSaysWhenThereIsNothing) {
  EXPECT_EQ(Run("get app -n shop -l team=a"), kExitDone);
  EXPECT_EQ(fleet_.list_request.namespace_(), "shop");
  EXPECT_EQ(fleet_.list_request.label_selector(), "team=a");
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(talk_.str(), "no Application in namespace shop; try -A\n");
}

TEST_F(CommandTest, GetPrintsOneResourceForPrograms) {
  fleet_.resources = {Web(true)};
  EXPECT_EQ(Run("get app shop/web -o yaml"), kExitDone);
  EXPECT_THAT(
      out_.str(),
      HasSubstr("apiVersion: lockstep.dev/v1\nkind: Application\nmetadata:\n  name: web\n"));
  EXPECT_EQ(Run("get app shop/web -o name"), kExitDone);
  EXPECT_EQ(out_.str(), "application.lockstep.dev/shop/web\n");
}

TEST_F(CommandTest, UnknownWordsNameTheNearestAndExitWithTwo) {
  EXPECT_EQ(Run("gett apps"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("did you mean \"get\"?"));
  EXPECT_EQ(Run("get aplications"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("did you mean \"applications\"?"));
  EXPECT_EQ(Run("cluster lable eu-1 a=b"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("did you mean \"label\"?"));
  EXPECT_EQ(Run("get apps -o yml"), kExitUsage);
  EXPECT_THAT(talk_.str(), HasSubstr("none of table, wide, json, yaml, name"));
}

TEST_F(CommandTest, MissingResourcesExitWithOne) {
  EXPECT_EQ(Run("get app shop/none"), kExitFailed);
  EXPECT_EQ(talk_.str(), "error: Application shop/none does not exist\n");
}

TEST_F(CommandTest, ApplyShowsEveryErrorWithItsPlace) {
  EXPECT_EQ(Run("apply -f tests/hub/cli/CMakeLists.txt"), kExitFailed);
  EXPECT_THAT(talk_.str(),
              HasSubstr("nothing was applied:\na.yaml:3:1: spec.intervall: unknown field"));
  ASSERT_EQ(fleet_.apply_request.files_size(), 1);
  EXPECT_EQ(fleet_.apply_request.files(0).name(), "tests/hub/cli/CMakeLists.txt");
  EXPECT_EQ(Run("apply -f tests/hub/cli/none.yaml"), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("tests/hub/cli/none.yaml"));
}

TEST_F(CommandTest, ApproveShowsTheListAndApprovesExactlyThat) {
  EXPECT_EQ(Run("approve shop/web", "no\n", /*interactive=*/true), kExitFailed);
  ASSERT_EQ(fleet_.approvals.size(), 1u);
  EXPECT_TRUE(fleet_.approvals[0].deletes().dry_run());
  EXPECT_THAT(out_.str(), HasSubstr("eu-1:\n  ConfigMap shop/a\n"));

  EXPECT_EQ(Run("approve shop/web", "yes\n", /*interactive=*/true), kExitDone);
  ASSERT_EQ(fleet_.approvals.size(), 3u);
  EXPECT_FALSE(fleet_.approvals[2].deletes().dry_run());
  ASSERT_EQ(fleet_.approvals[2].deletes().expected_size(), 1);
  EXPECT_EQ(fleet_.approvals[2].deletes().expected(0).digest(), "d");
}

TEST_F(CommandTest, NobodyIsAskedWhereNobodyCanAnswer) {
  EXPECT_EQ(Run("approve shop/web", "yes\n"), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("--yes"));
  EXPECT_EQ(Run("cluster remove eu-1", "yes\n"), kExitFailed);
  EXPECT_THAT(talk_.str(), HasSubstr("--yes"));
}

TEST_F(CommandTest, WaitingEndsWithThreeWhenItDoesNotComeTrue) {
  fleet_.resources = {Web(false)};
  EXPECT_EQ(Run("sync shop/web --wait"), kExitNotConverged);
  EXPECT_THAT(talk_.str(), HasSubstr("13/14 clusters ready, Held"));
  fleet_.resources = {Web(true)};
  EXPECT_EQ(Run("sync shop/web --wait"), kExitDone);
  EXPECT_EQ(out_.str(), "Application shop/web at main@0123456, new\n");
}

TEST_F(CommandTest, EveryCommandHasItsPageAndEveryFlagIsOnIt) {
  std::istringstream in;
  CommandContext context(&in, &out_, &talk_, false, &clock_, nullptr);
  CommandSet commands(&context);
  AddAllCommands(&commands);
  int pages = 0;
  const auto check = [&](const auto& self, const CLI::App* app, const std::string& name) -> void {
    const absl::string_view page = HelpText(name);
    EXPECT_NE(page, "") << name;
    ++pages;
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& flag : option->get_lnames()) {
        if (flag == "help") continue;
        EXPECT_THAT(std::string(page), HasSubstr(absl::StrCat("--", flag))) << name;
      }
    }
    for (const CLI::App* sub : app->get_subcommands({}))
      self(self, sub, absl::StrCat(name, "-", sub->get_name()));
  };
  for (const CLI::App* sub : commands.root().get_subcommands({}))
    check(check, sub, sub->get_name());
  EXPECT_GE(pages, 18);
  EXPECT_EQ(Run("get --help"), kExitDone);
  EXPECT_EQ(out_.str(), absl::StrCat(HelpText("get"), "\n").substr(0, out_.str().size()));
}

TEST_F(CommandTest, CompletionNamesCommandsAndFlags) {
  EXPECT_EQ(Run("completion bash"), kExitDone);
  EXPECT_THAT(out_.str(), HasSubstr("\"cluster label\") path=\"cluster label\""));
  EXPECT_THAT(out_.str(), HasSubstr("--all-namespaces"));
  EXPECT_EQ(Run("completion tcsh"), kExitUsage);
}

}  // namespace
}  // namespace lockstep
