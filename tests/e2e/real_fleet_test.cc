// A real fleet on the real programs: 241 folders, 48 applications, 14 clusters, 6,213 objects; what
// it comes to, and what each of a handful of commits costs in messages and writes.

#include "tests/e2e/real_fleet.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/object/yaml.h"
#include "common/object/yaml_writer.h"
#include "tests/e2e/counts.h"
#include "tests/e2e/fleet.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/git_server.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kRing[] = "components/pipeline-service-rd/rings/ring-1";
constexpr char kStaging[] = "components/pipeline-service/staging";
const std::set<std::string> kClashing = {"stone-stage-p01", "stone-stg-rh01"};

std::string Repository(const std::string& url) {
  return absl::StrCat(
      "apiVersion: lockstep.dev/v1\nkind: GitRepository\nmetadata: {name: fleet}\nspec:\n  url: ",
      url, "\n  interval: 1h\n");
}

std::string Applications(const std::vector<std::string>& parents) {
  std::string yaml;
  for (const std::string& parent : parents) {
    absl::StrAppend(&yaml, "---\napiVersion: lockstep.dev/v1\nkind: Application\nmetadata: {name: ",
                    ApplicationName(parent),
                    "}\nspec:\n  sourceRef: {kind: GitRepository, name: fleet}\n  path: ", parent,
                    "/${cluster.name}\n  missingPath: skip\n  placement: {selector: {}}\n");
  }
  return yaml;
}

/// The fleet with its repository placed on its agents.
class PlacedFleet {
 public:
  PlacedFleet(const RealFleet& real, const std::string& url)
      : real_(real), url_(url), fleet_({.serve = {"--allow-source", url}}) {}

  absl::Status Start() {
    LOCKSTEP_RETURN_IF_ERROR(fleet_.StartHub());
    for (const std::string& cluster : real_.Clusters()) {
      LOCKSTEP_ASSIGN_OR_RETURN(const std::string token, fleet_.JoinToken(cluster));
      fleet_.StartAgent(cluster, token);
    }
    for (const std::string& cluster : real_.Clusters()) {
      LOCKSTEP_RETURN_IF_ERROR(fleet_.WaitOnline(cluster));
    }
    return absl::OkStatus();
  }

  absl::Status Place(const std::vector<std::string>& parents) {
    return fleet_.Apply(Repository(url_) + Applications(parents));
  }

  Fleet& operator*() { return fleet_; }
  Fleet* operator->() { return &fleet_; }

 private:
  const RealFleet& real_;
  const std::string url_;
  Fleet fleet_;
};

std::vector<std::string> ParentsWithout(const RealFleet& real, const std::string& one) {
  std::vector<std::string> parents = real.Parents();
  parents.erase(std::find(parents.begin(), parents.end(), one));
  return parents;
}

// Every object of every target is the input's, value for value, and nothing else is there.
void ExpectTargetsHold(Fleet& fleet, const RealFleet& real, const std::set<std::string>& left_out) {
  for (const std::string& cluster : real.Clusters()) {
    std::map<std::string, Value> expected;
    for (const RealFleet::Folder& folder : real.folders) {
      if (folder.cluster != cluster || left_out.contains(folder.parent)) continue;
      ASSERT_OK_AND_ASSIGN(auto some, ExpectedObjects(folder.content, folder.File()));
      expected.merge(some);
      ASSERT_THAT(some, IsEmpty()) << folder.File() << " names what another folder names";
    }
    const std::map<std::string, std::string> files = TargetFiles(fleet.target(cluster));
    for (const auto& [path, content] : files) {
      const auto found = expected.find(path);
      ASSERT_NE(found, expected.end()) << cluster << " has " << path << ", which no folder holds";
      ASSERT_OK_AND_ASSIGN(const std::vector<Value> documents, ReadYaml(content, path));
      ASSERT_EQ(documents.size(), 1u) << path;
      EXPECT_TRUE(documents[0] == found->second) << cluster << " " << path << "\n" << content;
      expected.erase(found);
    }
    for (const auto& [path, value] : expected) ADD_FAILURE() << cluster << " lacks " << path;
  }
}

using Bytes = std::map<std::string, std::map<std::string, std::string>>;

Bytes AllBytes(Fleet& fleet, const RealFleet& real) {
  Bytes all;
  for (const std::string& cluster : real.Clusters()) {
    all[cluster] = TargetFiles(fleet.target(cluster));
  }
  return all;
}

class RealFleetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RealFleet::Available()) GTEST_SKIP() << "../shared is not here: no real fleet to place";
    ASSERT_OK_AND_ASSIGN(real_, RealFleet::Load());
    ASSERT_EQ(real_.folders.size(), 241u);
    ASSERT_EQ(real_.Parents().size(), 48u);
    ASSERT_EQ(real_.Clusters().size(), 14u);
  }

  RealFleet real_;
};

TEST_F(RealFleetTest, TwoRunsOverFileAndHttpLeaveTheSameBytesWhichAreTheInputs) {
  TestRepository repository;
  const std::string commit = repository.Commit(real_.Files());
  const auto server = GitServer::Start({.root = repository.root()});
  if (absl::IsUnavailable(server.status())) GTEST_SKIP() << server.status();
  ASSERT_OK(server);
  Bytes first;
  for (const std::string& url : {repository.FileUrl(), (*server)->base_url() + "/fleet.git"}) {
    SCOPED_TRACE(url);
    PlacedFleet placed(real_, url);
    ASSERT_OK(placed.Start());
    ASSERT_OK(placed.Place(ParentsWithout(real_, kRing)));
    ASSERT_OK(placed->WaitSynced(commit));
    ASSERT_NO_FATAL_FAILURE(ExpectTargetsHold(*placed, real_, {kRing}));
    if (first.empty()) first = AllBytes(*placed, real_);
    EXPECT_TRUE(first == AllBytes(*placed, real_));
  }
}

// The application on one cluster.
absl::StatusOr<v1::ApplicationClusterStatus> On(Fleet& fleet, const std::string& application,
                                                const std::string& cluster) {
  LOCKSTEP_ASSIGN_OR_RETURN(const v1::Application found, fleet.GetApplication(application));
  for (const v1::ApplicationClusterStatus& each : found.status().per_cluster()) {
    if (each.cluster() == cluster) return each;
  }
  return absl::NotFoundError(absl::StrCat(application, " is not placed on ", cluster));
}

// All applications but the two that clash are in step, and these are Stalled on both clusters.
absl::Status WaitClash(Fleet& fleet, const std::string& commit) {
  std::string last;
  const absl::Status status = fleet.WaitUntil([&]() -> absl::StatusOr<bool> {
    LOCKSTEP_ASSIGN_OR_RETURN(const std::vector<v1::Application> all, fleet.ListApplications());
    for (const v1::Application& each : all) {
      const bool clashes = each.metadata().name() == ApplicationName(kRing) ||
                           each.metadata().name() == ApplicationName(kStaging);
      const auto& by_state = each.status().clusters_by_state();
      const auto stalled = by_state.find("Stalled");
      const int expected = clashes ? 2 : 0;
      last = each.ShortDebugString();
      if ((stalled == by_state.end() ? 0 : stalled->second) != expected) return false;
      if (!absl::EndsWith(each.status().revision(), commit)) return false;
      if (each.status().clusters_ready() != each.status().clusters() - expected) return false;
    }
    return all.size() == 48;
  });
  return Annotate(status, last);
}

/// The fleet through a day of commits; each step begins where the one before it ended.
class CommitsTest : public RealFleetTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(RealFleetTest::SetUp());
    if (IsSkipped()) return;
    commit_ = repository_.Commit(real_.Files());
    placed_ = std::make_unique<PlacedFleet>(real_, repository_.FileUrl());
    ASSERT_OK(placed_->Start());
    clusters_ = real_.Clusters();
  }

  void ShowTheClash();
  void LeaveOneOut();
  void HandOver();
  void ChangeOneObject();
  void MoveAFile();
  void PruneAFolder();
  void AddACluster();

  // Looks at what has been done since the last look.
  absl::StatusOr<Change> Since() {
    before_ = std::move(after_);
    LOCKSTEP_ASSIGN_OR_RETURN(after_, CountNow(**placed_, clusters_));
    return Between(before_, after_);
  }

  TestRepository repository_;
  std::string commit_;
  std::unique_ptr<PlacedFleet> placed_;
  std::vector<std::string> clusters_;
  Count before_;
  Count after_;
  std::string changed_info_;  // What ChangeOneObject left in Git.
  const std::string ring_ = ApplicationName(kRing);
  const std::string staging_ = ApplicationName(kStaging);
};

// Two parents claim the same objects on two clusters.
void CommitsTest::ShowTheClash() {
  Fleet& fleet = **placed_;
  ASSERT_OK(placed_->Place(real_.Parents()));
  ASSERT_OK(WaitClash(fleet, commit_));
  for (const std::string& cluster : kClashing) {
    for (const std::string& application : {ring_, staging_}) {
      ASSERT_OK_AND_ASSIGN(const auto there, On(fleet, application, cluster));
      EXPECT_THAT(there.message(),
                  AllOf(HasSubstr(absl::StrCat(kRing, "/", cluster, "/manifests.yaml")),
                        HasSubstr(absl::StrCat(kStaging, "/", cluster, "/manifests.yaml")),
                        HasSubstr("and 74 more objects")));
      EXPECT_EQ(there.objects(), 0);
    }
  }
  ASSERT_NO_FATAL_FAILURE(ExpectTargetsHold(fleet, real_, {kRing, kStaging}));
}

// One of the two is left out: the other goes ahead.
void CommitsTest::LeaveOneOut() {
  Fleet& fleet = **placed_;
  ASSERT_OK(Since().status());
  const Said deleted = fleet.Lockstep({"delete", "application", ring_, "--yes"});
  ASSERT_EQ(deleted.exit_code, 0) << deleted.err;
  ASSERT_OK(fleet.WaitState(staging_, "stone-stage-p01", "Synced"));
  ASSERT_OK(fleet.WaitState(staging_, "stone-stg-rh01", "Synced"));
  ASSERT_OK(fleet.WaitSynced(commit_));
  ASSERT_OK_AND_ASSIGN(const Change taken, Since());
  EXPECT_THAT(taken.gone, IsEmpty());
  EXPECT_THAT(taken.written, ElementsAre(Pair("stone-stage-p01", 75), Pair("stone-stg-rh01", 75)));
  ASSERT_NO_FATAL_FAILURE(ExpectTargetsHold(fleet, real_, {kRing}));
}

// A newcomer does not take what another holds; when Git drops the holder's folders, it is handed
// over: nothing is deleted, and only the five objects that differ are written.
void CommitsTest::HandOver() {
  Fleet& fleet = **placed_;
  ASSERT_OK(fleet.Apply(Applications({kRing})));
  ASSERT_OK(fleet.WaitState(ring_, "stone-stage-p01", "Stalled"));
  ASSERT_OK(fleet.WaitState(ring_, "stone-stg-rh01", "Stalled"));
  ASSERT_OK_AND_ASSIGN(const auto newcomer, On(fleet, ring_, "stone-stg-rh01"));
  EXPECT_THAT(newcomer.message(), HasSubstr("is already held by"));
  ASSERT_OK_AND_ASSIGN(const auto holder, On(fleet, staging_, "stone-stg-rh01"));
  EXPECT_EQ(holder.state(), "Synced");
  commit_ = repository_.Commit({}, {kStaging});
  ASSERT_OK(fleet.SyncRepository("fleet"));
  ASSERT_OK(fleet.WaitSynced(commit_));
  ASSERT_OK_AND_ASSIGN(const Change handed, Since());
  EXPECT_THAT(handed.gone, IsEmpty());
  EXPECT_THAT(handed.written, ElementsAre(Pair("stone-stage-p01", 5), Pair("stone-stg-rh01", 5)));
  EXPECT_EQ(handed.sent, 2);
  EXPECT_THAT(handed.desired, ElementsAre(Pair("stone-stage-p01", 1), Pair("stone-stg-rh01", 1)));
  ASSERT_NO_FATAL_FAILURE(ExpectTargetsHold(fleet, real_, {kStaging}));
}

// One object changes.
void CommitsTest::ChangeOneObject() {
  Fleet& fleet = **placed_;
  const RealFleet::Folder& info = real_.At("components/konflux-info/production", "kflux-ocp-p01");
  ASSERT_OK_AND_ASSIGN(std::vector<Value> documents, ReadYaml(info.content, "manifests.yaml"));
  documents[0].Find("metadata")->AsObject().Set("annotations", Value::MakeObject());
  documents[0]
      .Find("metadata")
      ->Find("annotations")
      ->AsObject()
      .Set("changed", Value::String("yes"));
  changed_info_ = WriteYamlDocuments(documents);
  commit_ = repository_.Commit({{info.File(), changed_info_}});
  ASSERT_OK(fleet.SyncRepository("fleet"));
  ASSERT_OK(fleet.WaitSynced(commit_));
  ASSERT_OK_AND_ASSIGN(const Change changed, Since());
  EXPECT_EQ(changed.sent, 1);
  EXPECT_THAT(changed.desired, ElementsAre(Pair("kflux-ocp-p01", 1)));
  EXPECT_THAT(changed.writes, ElementsAre(Pair("kflux-ocp-p01", 1)));
  EXPECT_THAT(changed.written, ElementsAre(Pair("kflux-ocp-p01", 1)));
  EXPECT_THAT(changed.gone, IsEmpty());
  EXPECT_THAT(changed.assigned, ElementsAre("components-konflux-info-production on kflux-ocp-p01"));
}

// A file moves from one application to another: one message, no write, no delete.
void CommitsTest::MoveAFile() {
  Fleet& fleet = **placed_;
  commit_ = repository_.Commit(
      {{"components/konflux-kite/production/kflux-ocp-p01/info.yaml", changed_info_}},
      {"components/konflux-info/production/kflux-ocp-p01"});
  ASSERT_OK(fleet.SyncRepository("fleet"));
  ASSERT_OK(fleet.WaitSynced(commit_));
  ASSERT_OK_AND_ASSIGN(const Change moved, Since());
  EXPECT_EQ(moved.sent, 1);
  EXPECT_THAT(moved.desired, ElementsAre(Pair("kflux-ocp-p01", 1)));
  EXPECT_THAT(moved.writes, IsEmpty());
  EXPECT_THAT(moved.written, IsEmpty());
  EXPECT_THAT(moved.gone, IsEmpty());
}

// A folder goes: its deletes wait, are approved, and are carried out.
void CommitsTest::PruneAFolder() {
  Fleet& fleet = **placed_;
  const std::string cert_manager = "components-cert-manager-production";
  commit_ = repository_.Commit({}, {"components/cert-manager/production/kflux-prd-rh02"});
  ASSERT_OK(fleet.SyncRepository("fleet"));
  ASSERT_OK(fleet.WaitState(cert_manager, "kflux-prd-rh02", "Held"));
  ASSERT_OK_AND_ASSIGN(const auto held, On(fleet, cert_manager, "kflux-prd-rh02"));
  EXPECT_EQ(held.held_delete_count(), 6);
  EXPECT_THAT(held.message(), HasSubstr("`lockstep approve default/" + cert_manager + "`"));
  ASSERT_OK_AND_ASSIGN(const Change waiting, Since());
  EXPECT_EQ(waiting.sent, 1);
  EXPECT_THAT(waiting.desired, ElementsAre(Pair("kflux-prd-rh02", 1)));
  EXPECT_THAT(waiting.written, IsEmpty());
  EXPECT_THAT(waiting.gone, IsEmpty());
  const Said approved =
      fleet.Lockstep({"approve", cert_manager, "--cluster", "kflux-prd-rh02", "--yes"});
  ASSERT_EQ(approved.exit_code, 0) << approved.err;
  ASSERT_OK(fleet.WaitSynced(commit_));
  ASSERT_OK_AND_ASSIGN(const Change pruned, Since());
  EXPECT_THAT(pruned.desired, ElementsAre(Pair("kflux-prd-rh02", 1)));
  EXPECT_THAT(pruned.written, IsEmpty());
  EXPECT_THAT(pruned.gone, ElementsAre(Pair("kflux-prd-rh02", 6)));
}

// A cluster comes: its agent gets what is placed on it, the others get nothing.
void CommitsTest::AddACluster() {
  Fleet& fleet = **placed_;
  std::map<std::string, std::string> files;
  size_t objects = 0;
  for (const char* parent : {"configs/etcd-defrag/production", "components/backup/production"}) {
    const std::string& content = real_.At(parent, "kflux-ocp-p01").content;
    ASSERT_OK_AND_ASSIGN(const auto some, ExpectedObjects(content, parent));
    files[absl::StrCat(parent, "/kflux-new-01/manifests.yaml")] = content;
    objects += some.size();
  }
  commit_ = repository_.Commit(files);
  ASSERT_OK(fleet.SyncRepository("fleet"));
  ASSERT_OK(fleet.Join("kflux-new-01"));
  ASSERT_OK(fleet.WaitState("components-backup-production", "kflux-new-01", "Synced"));
  ASSERT_OK(fleet.WaitSynced(commit_));
  clusters_.push_back("kflux-new-01");
  ASSERT_OK_AND_ASSIGN(const Change joined, Since());
  EXPECT_THAT(joined.written, ElementsAre(Pair("kflux-new-01", objects)));
  EXPECT_THAT(joined.gone, IsEmpty());
  for (const auto& [cluster, messages] : joined.desired) EXPECT_EQ(cluster, "kflux-new-01");
  EXPECT_THAT(joined.assigned, ElementsAre("components-backup-production on kflux-new-01",
                                           "configs-etcd-defrag-production on kflux-new-01"));
}

TEST_F(CommitsTest, AClashIsShownAndStopsNothingElseAndEachCommitCostsWhatItConcerns) {
  ASSERT_NO_FATAL_FAILURE(ShowTheClash());
  ASSERT_NO_FATAL_FAILURE(LeaveOneOut());
  ASSERT_NO_FATAL_FAILURE(HandOver());
  ASSERT_NO_FATAL_FAILURE(ChangeOneObject());
  ASSERT_NO_FATAL_FAILURE(MoveAFile());
  ASSERT_NO_FATAL_FAILURE(PruneAFolder());
  ASSERT_NO_FATAL_FAILURE(AddACluster());
}

}  // namespace
}  // namespace lockstep
