#include "agent/kube/identity_secret.h"

#include <string>

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/kube/own_rights.h"
#include "tests/kube/namespace_test.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

class IdentitySecretTest : public NamespaceTest {
 protected:
  IdentitySecret Place(absl::string_view context = "admin") {
    KubeAccess access = server_->Access(context);
    access.namespace_ = namespace_;
    return IdentitySecret(access, "identity", SystemClock());
  }
};

TEST_F(IdentitySecretTest, KeepsOneTextAndLeavesTheRestOfTheSecret) {
  server_->Kubectl(
      {"create", "secret", "generic", "identity", "-n", namespace_, "--from-literal=theirs=stays"});
  const IdentitySecret place = Place();
  EXPECT_THAT(place.Read().status(), StatusIs(absl::StatusCode::kNotFound, _));
  for (const std::string& text : {std::string("first\n"), std::string("second\0\xff", 8)}) {
    ASSERT_OK(place.Write(text));
    ASSERT_OK_AND_ASSIGN(const std::string read, Place().Read());
    EXPECT_EQ(read, text);
  }
  EXPECT_EQ(server_->Kubectl(
                {"get", "secret", "identity", "-n", namespace_, "-o", "jsonpath={.data.theirs}"}),
            "c3RheXM=");
}

TEST_F(IdentitySecretTest, ASecretThatIsNotThereIsNamedAndNotMade) {
  const IdentitySecret place = Place();
  const auto named = StatusIs(absl::StatusCode::kFailedPrecondition,
                              HasSubstr(absl::StrCat(namespace_, "/identity")));
  EXPECT_THAT(place.Read().status(), named);
  EXPECT_THAT(place.Write("text"), named);
  EXPECT_EQ(server_->Kubectl({"get", "secrets", "-n", namespace_, "-o", "name"}), "");
}

TEST_F(IdentitySecretTest, ALackOfRightsIsSaidWithTheSecretsNameAndWithoutItsContent) {
  server_->Kubectl({"create", "secret", "generic", "identity", "-n", namespace_});
  const IdentitySecret place = Place("dev");
  const auto refused = StatusIs(absl::StatusCode::kPermissionDenied,
                                ::testing::AllOf(HasSubstr(absl::StrCat(namespace_, "/identity")),
                                                 ::testing::Not(HasSubstr("c2VjcmV0"))));
  EXPECT_THAT(place.Read().status(), refused);
  EXPECT_THAT(place.Write("secret"), refused);
}

TEST(OwnRights, OnlyWhoMayDoEverythingEverywhereIsToldSo) {
  LOCKSTEP_API_SERVER(server);
  EXPECT_EQ(MayDoEverything(server->Access("admin"), SystemClock()).value(), true);
  EXPECT_EQ(MayDoEverything(server->Access("dev"), SystemClock()).value(), false);
}

}  // namespace
}  // namespace lockstep
