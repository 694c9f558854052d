#include "hub/remote/ssh_key.h"

#include <string>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Sized(const std::string& text) {
  return absl::StrCat(std::string(3, '\0'), std::string(1, static_cast<char>(text.size())), text);
}

// The beginning of a key file of ssh-keygen, as far as it is looked at.
std::string OpenSshKey(const std::string& type) {
  const std::string raw =
      absl::StrCat(std::string("openssh-key-v1\0", 15), Sized("aes256-ctr"), Sized("bcrypt"),
                   Sized("salt"), std::string("\0\0\0\1", 4), Sized(Sized(type) + "public"));
  return absl::StrCat("-----BEGIN OPENSSH PRIVATE KEY-----\n", absl::Base64Escape(raw),
                      "\n-----END OPENSSH PRIVATE KEY-----\n");
}

TEST(CheckSshKey, TakesWhatSignsIn) {
  EXPECT_OK(CheckSshKey(OpenSshKey("ssh-ed25519")));
  EXPECT_OK(CheckSshKey(OpenSshKey("ecdsa-sha2-nistp256")));
  EXPECT_OK(CheckSshKey("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"));
}

TEST(CheckSshKey, RefusesWhatDoesNotAndSaysWhichToMake) {
  const struct {
    std::string key;
    const char* why;
  } kRows[] = {
      {OpenSshKey("ssh-rsa"), "SHA-1"},
      {"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "SHA-1"},
      {OpenSshKey("ssh-dss"), "DSA"},
      {"-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n", "DSA"},
      {OpenSshKey("sk-ssh-ed25519@openssh.com"), "touch"},
      {OpenSshKey("ssh-new"), "not known"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----", "damaged"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(CheckSshKey(row.key),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(row.why)));
    EXPECT_THAT(CheckSshKey(row.key).message(), HasSubstr("ssh-keygen -t ed25519"));
    EXPECT_THAT(CheckSshKey(row.key).message(), Not(HasSubstr("AAAA")));
  }
  EXPECT_THAT(CheckSshKey("ssh-ed25519 AAAA"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no private key")));
}

TEST(CheckSshKey, ReadsNothingBeyondAKeyThatIsCutOff) {
  const std::string whole = OpenSshKey("ssh-ed25519");
  for (size_t size = 0; size < whole.size(); ++size) {
    CheckSshKey(whole.substr(0, size)).IgnoreError();  // The sanitizers look on.
  }
}

}  // namespace
}  // namespace lockstep
