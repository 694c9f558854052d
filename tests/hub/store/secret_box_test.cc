#include "hub/store/secret_box.h"

#include <filesystem>
#include <sys/stat.h>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "common/base/random.h"
#include "tests/hub/store/workload.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::_;
using testing::HasSubstr;

class SecretBoxTest : public testing::Test {
 protected:
  std::string KeyPath() { return directory_.root() + "/secrets.key"; }
  SecretBox MakeBox() {
    EXPECT_OK(SecretBox::MakeKey(KeyPath()));
    return *SecretBox::Open(KeyPath());
  }
  StoreDirectory directory_;
};

TEST_F(SecretBoxTest, OpensWhatItSealed) {
  const SecretBox box = MakeBox();
  for (const std::string& plain : {std::string(), std::string("a"), RandomBytes(100'000)}) {
    const std::string sealed = box.Seal("Secret default/git", plain);
    EXPECT_EQ(*box.Unseal("Secret default/git", sealed), plain);
    EXPECT_EQ(*SecretBox::Open(KeyPath())->Unseal("Secret default/git", sealed), plain);
  }
}

TEST_F(SecretBoxTest, SealsTheSameDifferentlyEachTime) {
  const SecretBox box = MakeBox();
  EXPECT_NE(box.Seal("a", "plain"), box.Seal("a", "plain"));
}

TEST_F(SecretBoxTest, RefusesAnyChangedByteAndAnyLength) {
  const SecretBox box = MakeBox();
  const std::string sealed = box.Seal("context", "plain text");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    EXPECT_FALSE(box.Unseal("context", changed).ok()) << i;
    EXPECT_FALSE(box.Unseal("context", sealed.substr(0, i)).ok()) << i;
  }
}

TEST_F(SecretBoxTest, RefusesAValueMovedToAnotherRecord) {
  const SecretBox box = MakeBox();
  const std::string sealed = box.Seal("Secret a/git", "plain");
  EXPECT_THAT(box.Unseal("Secret b/git", sealed), StatusIs(absl::StatusCode::kDataLoss, _));
}

TEST_F(SecretBoxTest, SaysWhenTheKeyIsAnother) {
  const std::string sealed = MakeBox().Seal("context", "plain");
  ASSERT_OK(RemoveFile(KeyPath()));
  EXPECT_THAT(MakeBox().Unseal("context", sealed),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another key")));
}

TEST_F(SecretBoxTest, KeyFileIsPrivateAndNeverReplaced) {
  MakeBox();
  struct stat info;
  ASSERT_EQ(stat(KeyPath().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  EXPECT_THAT(SecretBox::MakeKey(KeyPath()), StatusIs(absl::StatusCode::kAlreadyExists, _));
  ASSERT_EQ(chmod(KeyPath().c_str(), 0640), 0);
  EXPECT_THAT(SecretBox::Open(KeyPath()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("chmod 600")));
}

TEST_F(SecretBoxTest, SaysWhatIsWrongWithAKeyFile) {
  EXPECT_THAT(SecretBox::Open(KeyPath()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("secrets.key")));
  ASSERT_OK(WriteFileAtomic(KeyPath(), "LSKEY1\nshort", Durability::kNone, 0600));
  EXPECT_THAT(SecretBox::Open(KeyPath()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("restore it")));
}

TEST_F(SecretBoxTest, A66NothingOfASecretLiesInTheStore) {
  const SecretBox box = MakeBox();
  const std::string canary = absl::BytesToHexString(RandomBytes(16));
  const std::string control = absl::BytesToHexString(RandomBytes(16));
  {
    ASSERT_OK_AND_ASSIGN(const auto store, RocksStore::Open(directory_.store(), SmallOptions()));
    for (int i = 0; i < 200; ++i) {
      Batch batch;
      const std::string key = absl::StrCat("Secret ", i);
      batch.Put(Family::kResource, key, box.Seal(key, canary + RandomBytes(10'000)));
      ASSERT_OK(store->Append(batch));
    }
    Batch plain;
    plain.Put(Family::kResource, "plain", control);
    ASSERT_OK(store->Append(plain));
  }
  int files = 0;
  bool found_control = false;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.root())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string bytes = *ReadFile(entry.path());
    found_control = found_control || absl::StrContains(bytes, control);
    for (const std::string& form :
         {canary, absl::BytesToHexString(canary), absl::Base64Escape(canary).substr(0, 40)}) {
      EXPECT_FALSE(absl::StrContains(bytes, form)) << entry.path();
    }
  }
  EXPECT_GT(files, 3);
  EXPECT_TRUE(found_control);  // The search finds what is not sealed.
}

}  // namespace
}  // namespace lockstep
