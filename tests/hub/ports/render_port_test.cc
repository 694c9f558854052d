#include "hub/ports/render_port.h"

#include "common/render/map_snapshot.h"
#include "hub/record/key.h"
#include "tests/testing/model_store.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class OneSnapshot : public SnapshotProvider {
 public:
  explicit OneSnapshot(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  absl::StatusOr<std::shared_ptr<const Snapshot>> Open(const NamespacedName&,
                                                       absl::string_view) override {
    if (snapshot_ == nullptr) return absl::DataLossError("the mirror is damaged");
    return snapshot_;
  }

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
};

std::string ConfigMap(absl::string_view name, absl::string_view value) {
  return absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                      "\ndata:\n  v: ", value, "\n");
}

class RenderPortTest : public testing::Test {
 protected:
  void AddJob(absl::string_view application, absl::string_view path, absl::string_view cluster,
              Digest previous = {}) {
    auto spec = std::make_shared<Application>();
    spec->meta.namespace_ = "default";
    spec->meta.name = std::string(application);
    spec->spec.path = *PathTemplate::Parse(path);
    auto facts = std::make_shared<ClusterFacts>();
    facts->name = std::string(cluster);
    render_.jobs.push_back({std::move(spec), std::move(facts), previous});
  }
  event::RenderDone Render(const std::map<std::string, std::string>& files) {
    OneSnapshot snapshots(std::make_shared<MapSnapshot>(std::string(40, 'c'), files));
    render_.specification = std::make_shared<GitRepository>();
    return RenderCommit(render_, &snapshots, nullptr, store_);
  }

  effect::StartRender render_;
  ManualClock clock_{absl::FromUnixSeconds(1'800'000'000)};
  ModelStore store_{&clock_};
};

using Outcome = event::RenderOutcome;

TEST_F(RenderPortTest, ClustersOfOnePathShareOneRendering) {
  AddJob("web", "web", "eu-1");
  AddJob("web", "web", "eu-2");
  const event::RenderDone done = Render({{"web/a.yaml", ConfigMap("a", "x")}});
  ASSERT_EQ(done.outcomes.size(), 2u);
  EXPECT_EQ(std::get<Outcome::Rendered>(done.outcomes[0].result).manifest.get(),
            std::get<Outcome::Rendered>(done.outcomes[1].result).manifest.get());
  EXPECT_EQ(done.blobs.size(), 3u);  // The object, the manifest, the origins.
}

TEST_F(RenderPortTest, AnUnchangedInputCostsNothingWhateverElseTheCommitChanged) {
  AddJob("web", "web", "eu-1");
  const Digest input = Render({{"web/a.yaml", ConfigMap("a", "x")}}).outcomes[0].input;
  ASSERT_FALSE(input.IsZero());
  render_.jobs[0].previous_input = input;
  const event::RenderDone same =
      Render({{"web/a.yaml", ConfigMap("a", "x")}, {"other/b.yaml", ConfigMap("b", "y")}});
  EXPECT_TRUE(std::holds_alternative<Outcome::Unchanged>(same.outcomes[0].result));
  EXPECT_THAT(same.blobs, IsEmpty());
  const event::RenderDone changed = Render({{"web/a.yaml", ConfigMap("a", "z")}});
  EXPECT_TRUE(std::holds_alternative<Outcome::Rendered>(changed.outcomes[0].result));
}

TEST_F(RenderPortTest, F70_AnErrorConcernsOnlyItsOwnFolder) {
  AddJob("web", "web/${cluster.name}", "eu-1");
  AddJob("web", "web/${cluster.name}", "eu-2");
  AddJob("web", "web/${cluster.name}", "eu-3");
  AddJob("web", "web/${cluster.labels.zone}", "eu-1");
  const event::RenderDone done =
      Render({{"web/eu-1/a.yaml", ConfigMap("a", "x")}, {"web/eu-2/a.yaml", "kind: [\n"}});
  EXPECT_TRUE(std::holds_alternative<Outcome::Rendered>(done.outcomes[0].result));
  EXPECT_THAT(std::get<absl::Status>(done.outcomes[1].result).message(),
              HasSubstr("web/eu-2/a.yaml"));
  EXPECT_TRUE(done.outcomes[1].input.IsZero());
  EXPECT_TRUE(std::holds_alternative<Outcome::MissingPath>(done.outcomes[2].result));
  EXPECT_THAT(std::get<absl::Status>(done.outcomes[3].result).message(), HasSubstr("zone"));
}

TEST_F(RenderPortTest, BlobsThatTheStoreHasAreLeftOut) {
  AddJob("web", "web", "eu-1");
  for (const auto& [digest, bytes] : Render({{"web/a.yaml", ConfigMap("a", "x")}}).blobs) {
    Batch batch;
    batch.Put(Family::kBlob, BlobKey(digest), *bytes);
    ASSERT_OK(store_.Append(batch));
  }
  EXPECT_THAT(Render({{"web/a.yaml", ConfigMap("a", "x")}}).blobs, IsEmpty());
}

TEST_F(RenderPortTest, I5_ASnapshotThatCannotBeOpenedIsEveryJobsError) {
  AddJob("web", "web", "eu-1");
  AddJob("db", "db", "eu-2");
  OneSnapshot broken(nullptr);
  render_.specification = std::make_shared<GitRepository>();
  const event::RenderDone done = RenderCommit(render_, &broken, nullptr, store_);
  ASSERT_EQ(done.outcomes.size(), 2u);
  for (const Outcome& outcome : done.outcomes) {
    EXPECT_THAT(std::get<absl::Status>(outcome.result).message(), HasSubstr("damaged"));
  }
}

}  // namespace
}  // namespace lockstep
