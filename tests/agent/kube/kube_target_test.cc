#include "agent/kube/kube_target.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/object/json.h"
#include "tests/kube/namespace_test.h"
#include "tests/testing/status.h"
#include "tests/testing/target_notices.h"

namespace lockstep {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

using Presence = Observation::Presence;

WantedObject Wanted(ObjectKey key, absl::string_view json) {
  return {std::move(key), *ReadJson(json, "wanted")};
}

// The target in the test's own namespace, and the account "deployer" in it.
class KubeTargetTest : public NamespaceTest {
 protected:
  void SetUp() override {
    NamespaceTest::SetUp();
    if (server_ == nullptr) return;  // Skipped.
    as_ = {namespace_ + "/web", "deployer", namespace_};
    target_ = std::make_unique<KubeTarget>(server_->Access(), KubeHttp::Options(), SystemClock());
  }

  WantedObject ConfigMap(const std::string& name, absl::string_view written_namespace = "") {
    return Wanted({"", "ConfigMap", std::string(written_namespace), name},
                  absl::StrCat(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")",
                               name, R"("},"data":{"a":"1"}})"));
  }
  absl::Status Apply(const WantedObject& object) {
    return target_->Apply(as_, {object}, cancel_)[0].status();
  }
  absl::StatusOr<Observation> Look(const WantedObject& object) {
    return target_->Observe(as_, {{object.key, &object.value}}, cancel_)[0];
  }
  std::string Get(const std::vector<std::string>& what) {
    std::vector<std::string> arguments = {"get", "-n",  namespace_, "--ignore-not-found",
                                          "-o",  "name"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    return server_->Kubectl(arguments);
  }

  ActingAs as_;
  std::unique_ptr<KubeTarget> target_;
  Cancellation cancel_;
};

TEST_F(KubeTargetTest, AKeyWithoutItsNamespaceIsSettledAndKeptAsItWasGiven) {
  const WantedObject object = ConfigMap("a");
  Notices notices;
  ASSERT_OK(target_->Watch(as_, {object.key}, notices.Callback()));
  ASSERT_OK(Apply(object));
  EXPECT_EQ(Get({"configmap", "a"}), "configmap/a\n");
  ASSERT_OK_AND_ASSIGN(const Observation seen, Look(object));
  EXPECT_EQ(seen.key, object.key);
  EXPECT_EQ(seen.presence, Presence::kEqual);
  EXPECT_EQ(seen.owner, namespace_ + "/web");
  server_->Kubectl({"delete", "configmap", "-n", namespace_, "a"});
  EXPECT_TRUE(notices.Wait(object.key));
  ASSERT_OK_AND_ASSIGN(const Observation gone, Look(object));
  EXPECT_EQ(gone.presence, Presence::kAbsent);

  const auto settled = target_->Settle(
      as_, {object.key, {"", "Namespace", "written", "x"}, {"none.example", "None", "", "x"}},
      namespace_);
  EXPECT_EQ(settled[0]->namespace_, namespace_);
  EXPECT_EQ(settled[1]->namespace_, "");
  EXPECT_THAT(settled[2], StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no None")));
}

TEST_F(KubeTargetTest, AWriteByAnotherIsFoundAndItsFieldsAreNamed) {
  const WantedObject object = ConfigMap("a");
  ASSERT_OK(Apply(object));
  ASSERT_OK_AND_ASSIGN(const Observation ours, Look(object));
  EXPECT_EQ(ours.presence, Presence::kEqual);
  server_->Kubectl({"patch", "configmap", "-n", namespace_, "a", "--type=merge", "-p",
                    R"({"data":{"a":"theirs","b":"more"}})"});
  KubeTarget later(server_->Access(), {}, SystemClock());  // It has heard of nothing before.
  const LookAt look{object.key, &object.value, ours.mark, true};
  ASSERT_OK_AND_ASSIGN(const Observation seen, later.Observe(as_, {look}, cancel_)[0]);
  EXPECT_EQ(seen.presence, Presence::kDifferent);
  EXPECT_THAT(seen.fields, testing::ElementsAre(".data.a"));
  EXPECT_NE(seen.mark, ours.mark);
}

TEST_F(KubeTargetTest, A46TheAccountsRightsAreTheLimit) {
  const WantedObject role =
      Wanted({"rbac.authorization.k8s.io", "ClusterRole", "", namespace_},
             absl::StrCat(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",)",
                          R"("metadata":{"name":")", namespace_, R"("},"rules":[]})"));
  const WantedObject elsewhere = ConfigMap("a", "kube-system");
  for (const WantedObject* object : {&role, &elsewhere}) {
    const auto denied = StatusIs(absl::StatusCode::kPermissionDenied,
                                 HasSubstr("system:serviceaccount:" + namespace_ + ":deployer"));
    EXPECT_THAT(Look(*object).status(), denied);
    EXPECT_THAT(target_->Validate(as_, {*object}, cancel_)[0], denied);
    EXPECT_THAT(Apply(*object), denied);
    EXPECT_THAT(target_->Delete(as_, {{object->key, ""}}, cancel_)[0], denied);
  }
  EXPECT_THAT(target_->MakeNamespace(as_, namespace_ + "-more", cancel_),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("createNamespace")));
}

TEST_F(KubeTargetTest, A50TheAgentsOwnNamespaceAndWhatIsInItAreNotDeleted) {
  KubeAccess access = server_->Access();
  access.namespace_ = namespace_;
  access.in_pod = true;
  KubeTarget own(access, KubeHttp::Options(), SystemClock());
  const ActingAs admin{"shop/web", "", "default"};
  const WantedObject object = ConfigMap("own");
  ASSERT_OK(Apply(object));
  const ObjectKey key = {"", "ConfigMap", namespace_, "own"};
  const ObjectKey place = {"", "Namespace", "", namespace_};
  ASSERT_OK_AND_ASSIGN(const Observation seen, Look(object));
  for (const absl::Status& refused :
       own.Delete(admin, {{key, seen.uid}, {key, ""}, {place, ""}}, cancel_)) {
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("by hand")));
  }
  EXPECT_EQ(Get({"configmap", "own"}), "configmap/own\n");
  EXPECT_EQ(server_->Kubectl({"get", "namespace", namespace_, "-o", "jsonpath={.status.phase}"}),
            "Active");
  // Another object of the name, and one that a hand deleted, are as anywhere.
  EXPECT_THAT(own.Delete(admin, {{key, "other"}}, cancel_)[0],
              StatusIs(absl::StatusCode::kFailedPrecondition, _));
  server_->Kubectl({"delete", "configmap", "-n", namespace_, "own"});
  EXPECT_OK(own.Delete(admin, {{key, seen.uid}}, cancel_)[0]);
  // So is another namespace, and the own one of an agent that is in no pod.
  const std::string elsewhere = server_->MakeNamespace();
  server_->Kubectl({"create", "configmap", "free", "-n", elsewhere});
  EXPECT_OK(own.Delete(admin, {{{"", "ConfigMap", elsewhere, "free"}, ""}}, cancel_)[0]);
  EXPECT_EQ(server_->Kubectl({"get", "configmaps", "-n", elsewhere, "-o", "name"}), "");
}

TEST_F(KubeTargetTest, A44ANamespaceIsMadeWithoutLabelsAndOnlyWhereItLacks) {
  const ActingAs agent{"shop/web", "", "default"};
  const std::string made = namespace_ + "-made";
  ASSERT_OK(target_->MakeNamespace(agent, made, cancel_));
  EXPECT_EQ(server_->Kubectl({"get", "namespace", made, "-o", "jsonpath={.metadata.labels}"}),
            absl::StrCat(R"({"kubernetes.io/metadata.name":")", made, R"("})"));
  EXPECT_OK(target_->MakeNamespace(agent, made, cancel_));
  EXPECT_OK(target_->MakeNamespace(as_, namespace_, cancel_));
}

TEST_F(KubeTargetTest, SaysWhatAPersonHasToMend) {
  const auto deployment = [&](absl::string_view spec) {
    return Wanted({"apps", "Deployment", namespace_, "d"},
                  absl::StrCat(R"({"apiVersion":"apps/v1","kind":"Deployment",)",
                               R"("metadata":{"name":"d"},"spec":)", spec, "}"));
  };
  const auto valid = target_->Validate(
      as_,
      {deployment(R"({"nosuch":1})"), deployment(R"({"replicas":"x"})"), ConfigMap("a"),
       Wanted({"", "ConfigMap", "nowhere-at-all", "a"},
              R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})")},
      cancel_);
  EXPECT_THAT(valid[0], StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nosuch")));
  EXPECT_THAT(valid[1], StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("replicas")));
  EXPECT_OK(valid[2]);
  EXPECT_THAT(valid[3].code(),
              testing::AnyOf(absl::StatusCode::kPermissionDenied, absl::StatusCode::kUnavailable));
  EXPECT_EQ(Get({"configmap", "a"}), "");
}

TEST_F(KubeTargetTest, F46AKindIsThereOnceItsDefinitionIs) {
  const ActingAs agent{namespace_ + "/web", "", namespace_};
  const std::string group = namespace_ + ".example.com";
  const WantedObject definition =
      Wanted({"apiextensions.k8s.io", "CustomResourceDefinition", "", "things." + group},
             absl::StrCat(
                 R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",)",
                 R"("metadata":{"name":"things.)", group, R"("},"spec":{"group":")", group,
                 R"(","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},"versions":)",
                 R"([{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":)",
                 R"({"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})"));
  const WantedObject thing =
      Wanted({group, "Thing", "", "t"},
             absl::StrCat(R"({"apiVersion":")", group,
                          R"(/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"n":1}})"));
  EXPECT_THAT(target_->Observe(agent, {{thing.key, &thing.value}}, cancel_)[0],
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("CustomResourceDefinition")));
  ASSERT_OK(target_->Apply(agent, {definition}, cancel_)[0]);
  server_->Kubectl({"wait", "crd/things." + group, "--for=condition=Established", "--timeout=90s"});
  ASSERT_OK(target_->Observe(agent, {{thing.key, &thing.value}}, cancel_)[0]);
  ASSERT_OK(target_->Apply(agent, {thing}, cancel_)[0]);
  EXPECT_EQ(Get({"things." + group, "t"}), absl::StrCat("thing.", group, "/t\n"));
}

}  // namespace
}  // namespace lockstep
