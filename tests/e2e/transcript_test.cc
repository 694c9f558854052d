// What people read when they use `lockstep`: the files in tests/e2e/transcripts are its real
// output, against a real hub and a real agent.

#include "tests/e2e/transcript.h"

#include <signal.h>
#include <string>

#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file.h"
#include "tests/e2e/small_fleet.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

/// The cluster eu-1 with an agent, us-1 that waits for one; the application web on both, shop/cart
/// whose folder is not there.
class TranscriptTest : public SmallFleetTest {
 protected:
  void SetUp() override {
    SmallFleetTest::SetUp();
    WriteManifest("secret.yaml",
                  "apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: fleet-git}\n"
                  "stringData: {username: git, password: not-shown}\n");
    WriteManifest("cart.yaml",
                  "apiVersion: lockstep.dev/v1\nkind: Application\n"
                  "metadata: {name: cart, namespace: shop, labels: {team: checkout}}\n"
                  "spec:\n  sourceRef: {kind: GitRepository, name: fleet, namespace: default}\n"
                  "  path: cart\n  placement: {clusters: [eu-1]}\n");
    WriteManifest("wrong.yaml",
                  "apiVersion: lockstep.dev/v1\nkind: Application\nmetadata: {name: Web}\n"
                  "spec:\n  sourceRef: {kind: GitRepository, name: fleet}\n  pth: web\n"
                  "  placement: {}\n---\napiVersion: lockstep.dev/v1\nkind: GitRepository\n"
                  "metadata: {name: other}\nspec:\n  url: \"ext::sh -c id\"\n"
                  "  ref: {semver: newest}\n");
    for (const char* command :
         {"apply -f cart.yaml", "apply -f secret.yaml", "cluster label eu-1 env=prod region=eu",
          "cluster join-token us-1 --label env=test"}) {
      const Said said = fleet_.Lockstep(absl::StrSplit(command, ' '));
      ASSERT_EQ(said.exit_code, 0) << said.err;
    }
    ASSERT_OK(WaitCart());
  }

  void WriteManifest(const std::string& name, const std::string& content) {
    ASSERT_OK(WriteFileAtomic(fleet_.directory() + "/" + name, content, Durability::kNone));
  }
  // Until its folder has been looked for.
  absl::Status WaitCart() {
    return fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      const Said said = fleet_.Lockstep({"get", "app", "shop/cart"});
      return said.out.find("Stalled") != std::string::npos;
    });
  }
};

TEST_F(TranscriptTest, Get) {
  Transcript transcript(&fleet_, "get");
  transcript.Comment("Applications, as tables.");
  for (const char* command : {"get applications", "get apps -A", "get apps -A -o wide",
                              "get apps -A -l team=checkout", "get app cart -n shop"}) {
    transcript.Run(command);
  }
  transcript.Comment("The other kinds.");
  for (const char* command :
       {"get repos", "get gitrepositories -o wide", "get clusters", "get clusters -o wide",
        "get clusters -l env=prod", "get secrets", "get orphans"}) {
    transcript.Run(command);
  }
  transcript.Comment("For programs.");
  for (const char* command :
       {"get apps -A -o name", "get clusters -o name", "get app web -o yaml", "get app web -o json",
        "get clusters -o yaml", "get secret fleet-git -o yaml"}) {
    transcript.Run(command);
  }
  transcript.Comment("Where there is nothing.");
  for (const char* command : {"get apps -n nowhere", "get secrets -A -l a=b", "get app nothing"}) {
    transcript.Run(command);
  }
  transcript.Compare();
}

TEST_F(TranscriptTest, Life) {
  Transcript transcript(&fleet_, "life");
  transcript.Comment("A commit is fetched, and a branch looked at before it is merged.");
  commit_ = repository_.Commit({{"web/one.yaml", ConfigMap("one", "second")},
                                {"web/secret.yaml",
                                 "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: "
                                 "shop}\nstringData: {password: not-shown}\n"}});
  transcript.Run("sync repo fleet");
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  transcript.Run("history web");
  repository_.Git({"checkout", "--quiet", "-b", "next"});
  repository_.Commit({{"web/one.yaml", ConfigMap("one", "third")},
                      {"web/secret.yaml",
                       "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: "
                       "shop}\nstringData: {password: not-shown-either}\n"},
                      {"web/three.yaml", ConfigMap("three", "new")}},
                     {"web/two.yaml"});
  transcript.Run("diff web --revision next --cluster eu-1");
  transcript.Run("diff web --cluster eu-1");
  transcript.Run("diff web --revision none");
  transcript.Comment("Suspended, and not.");
  for (const char* command :
       {"suspend app web --reason incident", "get apps", "resume app web", "suspend app none"}) {
    transcript.Run(command);
    ASSERT_OK(fleet_.WaitUntil([&]() -> absl::StatusOr<bool> {
      const Said said = fleet_.Lockstep({"get", "app", "web", "-o", "wide"});
      return said.out.find("pending") == std::string::npos &&
             said.out.find("Progressing") == std::string::npos;
    }));
  }
  transcript.Comment("Deletes that wait.");
  repository_.Git({"checkout", "--quiet", "main"});
  commit_ = repository_.Commit({{"web/README", "nothing to see"}},
                               {"web/one.yaml", "web/two.yaml", "web/secret.yaml"});
  transcript.Run("sync repo fleet");
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Held"));
  transcript.Run("get apps");
  transcript.Run("approve web");
  transcript.Run("approve web --yes");
  ASSERT_OK(fleet_.WaitState("web", "eu-1", "Synced"));
  transcript.Comment("It goes.");
  transcript.Run("delete app web --yes");
  transcript.Compare();
}

TEST_F(TranscriptTest, Describe) {
  Transcript transcript(&fleet_, "describe");
  for (const char* command :
       {"describe app shop/cart", "describe cluster us-1", "describe repo fleet",
        "describe secret fleet-git", "events application shop/cart", "describe app none"}) {
    transcript.Run(command);
  }
  transcript.Compare();
}

TEST_F(TranscriptTest, Clusters) {
  Transcript transcript(&fleet_, "cluster");
  transcript.Comment("A new cluster, and a second token for it.");
  for (const char* command : {"cluster join-token ap-1 --label env=prod", "get clusters",
                              "cluster join-token ap-1", "cluster label ap-1 region=ap env-",
                              "cluster label ap-1 region", "cluster label none a=b"}) {
    transcript.Run(command);
  }
  transcript.Comment("Accepting and removing.");
  for (const char* command : {"cluster accept eu-1", "cluster accept none", "cluster remove ap-1",
                              "cluster remove ap-1 --yes", "cluster remove eu-1 --yes",
                              "cluster remove eu-1 --yes", "get clusters"}) {
    transcript.Run(command);
  }
  transcript.Compare();
}

TEST_F(TranscriptTest, Waiting) {
  Transcript transcript(&fleet_, "wait");
  transcript.Comment(
      "What does not come true in time exits with 3, what is asked of the hub in "
      "vain with 1.");
  for (const char* command : {"sync shop/cart --wait --timeout 1s", "sync repo none",
                              "apply -f cart.yaml --wait --timeout 1s"}) {
    transcript.Run(command);
  }
  transcript.Comment("Watching shows rows as they change.");
  transcript.Watch(
      "get secrets --watch", "fleet-git",
      [&] {
        ASSERT_OK(
            fleet_.Apply("apiVersion: lockstep.dev/v1\nkind: Secret\nmetadata: {name: two}\n"
                         "stringData: {password: x}\n"));
      },
      "two");
  transcript.Compare();
}

TEST_F(TranscriptTest, Errors) {
  Transcript transcript(&fleet_, "errors");
  transcript.Comment("Wrong use exits with 2.");
  for (const char* command : {"gett apps",
                              "get aplications",
                              "get",
                              "get apps -o yml",
                              "get apps --selctor a=b",
                              "get apps -l a==b=c",
                              "get app a/b/c",
                              "cluster",
                              "cluster lable eu-1 a=b",
                              "cluster label",
                              "history",
                              "history web --limit 0",
                              "events app",
                              "approve",
                              "delete app",
                              "delete cluster eu-1",
                              "delete app web --orphan --objects",
                              "suspend secret fleet-git",
                              "sync cluster eu-1",
                              "get apps --timeout soon",
                              "completion tcsh"}) {
    transcript.Run(command);
  }
  transcript.Comment("What cannot be done exits with 1.");
  for (const char* command : {"apply -f none.yaml", "apply -f wrong.yaml", "apply -f log",
                              "get app none", "delete app none --yes", "resume app web",
                              "--config none get apps", "--context none get apps"}) {
    transcript.Run(command);
  }
  transcript.Comment("Nobody answers.");
  fleet_.EndHub(SIGTERM);
  transcript.Run("get apps");
  transcript.Compare();
}

}  // namespace
}  // namespace lockstep
