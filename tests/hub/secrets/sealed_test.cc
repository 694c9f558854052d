#include "hub/secrets/sealed.h"

#include "common/base/file.h"
#include "hub/secrets/plain.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::_;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class SealedTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(root_, MakeTemporaryDirectory("lockstep-sealed-test-"));
    ASSERT_OK(SecretBox::MakeKey(root_ + "/key"));
  }
  void TearDown() override { EXPECT_OK(RemoveTree(root_)); }

  std::string root_;
  const ResourceKey key_{ResourceKind::kSecret, "default", "fleet-git"};
  const SecretData data_{{{"password", "canary-7f1c"}, {"username", "git"}}};
};

TEST_F(SealedTest, A66_TellsNamesAndSizesAndNothingOfTheValues) {
  ASSERT_OK_AND_ASSIGN(const SecretBox box, SecretBox::Open(root_ + "/key"));
  const SealedSecret secret = SealSecret(box, key_, data_);
  EXPECT_THAT(secret.sealed, Not(HasSubstr("canary")));
  ASSERT_EQ(secret.keys.size(), 2u);
  EXPECT_EQ(secret.keys[0].name, "password");
  EXPECT_EQ(secret.keys[0].bytes, 11u);
  EXPECT_THAT(*OpenSecret(box, key_, secret),
              UnorderedElementsAre(Pair("password", "canary-7f1c"), Pair("username", "git")));
}

TEST_F(SealedTest, EqualDataHasEqualDigestsUnderOneKeyAlone) {
  ASSERT_OK_AND_ASSIGN(const SecretBox box, SecretBox::Open(root_ + "/key"));
  ASSERT_OK(SecretBox::MakeKey(root_ + "/other"));
  ASSERT_OK_AND_ASSIGN(const SecretBox other, SecretBox::Open(root_ + "/other"));
  const Digest digest = SealSecret(box, key_, data_).content;
  EXPECT_EQ(SealSecret(box, key_, data_).content, digest);
  EXPECT_NE(SealSecret(other, key_, data_).content, digest);
  EXPECT_NE(digest, Digest::Of(EncodeSecretData(data_)));
}

TEST_F(SealedTest, IsBoundToItsName) {
  ASSERT_OK_AND_ASSIGN(const SecretBox box, SecretBox::Open(root_ + "/key"));
  const SealedSecret secret = SealSecret(box, key_, data_);
  EXPECT_THAT(OpenSecret(box, {ResourceKind::kSecret, "other", "fleet-git"}, secret),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("Secret other/fleet-git")));
}

TEST(SecretData, RefusesDamagedBytes) {
  const std::string bytes = EncodeSecretData({{{"a", "1"}, {"b", ""}}});
  EXPECT_EQ(DecodeSecretData(bytes)->values.size(), 2u);
  for (size_t i = 1; i < bytes.size(); ++i) {
    const absl::StatusOr<SecretData> cut = DecodeSecretData(bytes.substr(0, i));
    EXPECT_TRUE(!cut.ok() || cut->values.size() < 2u) << i;
  }
  EXPECT_THAT(DecodeSecretData(bytes + bytes), StatusIs(absl::StatusCode::kDataLoss, _));
}

}  // namespace
}  // namespace lockstep
