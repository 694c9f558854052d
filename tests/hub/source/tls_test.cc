#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <gtest/gtest.h>

#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/git_server.h"
#include "tests/testing/process.h"

// Which certificates of a Git server are believed.

namespace lockstep {
namespace {

using testing::HasSubstr;

// An authority made by openssl, and what it signs.
class Authority {
 public:
  Authority() : directory_(MakeTemporaryDirectory("lockstep-ca-").value()) {
    OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=test ca", "-days", "2", "-keyout", directory_ + "/ca.key", "-out",
             directory_ + "/ca.pem"});
  }
  ~Authority() { EXPECT_OK(RemoveTree(directory_)); }

  std::string pem() const { return ReadFile(directory_ + "/ca.pem").value(); }

  // Certificate and key for subject alternative names as openssl writes them: "IP:127.0.0.1".
  std::pair<std::string, std::string> Issue(const std::string& names,
                                            const std::string& days = "1") {
    const std::string key = directory_ + "/s.key";
    OpenSsl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=127.0.0.1", "-keyout", key, "-out", directory_ + "/s.csr"});
    EXPECT_OK(
        WriteFileAtomic(directory_ + "/ext", "subjectAltName=" + names + "\n", Durability::kNone));
    OpenSsl({"x509", "-req", "-in", directory_ + "/s.csr", "-CA", directory_ + "/ca.pem", "-CAkey",
             directory_ + "/ca.key", "-CAcreateserial", "-days", days, "-extfile",
             directory_ + "/ext", "-out", directory_ + "/s.pem"});
    return {ReadFile(directory_ + "/s.pem").value(), ReadFile(key).value()};
  }

  // Signed by nobody but itself.
  std::pair<std::string, std::string> IssueSelfSigned() {
    const std::string key = directory_ + "/self.key";
    OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1",
             "-keyout", key, "-out", directory_ + "/self.pem"});
    return {ReadFile(directory_ + "/self.pem").value(), ReadFile(key).value()};
  }

 private:
  static void OpenSsl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    arguments.push_back("-batch");
    if (arguments[1] == "x509") arguments.pop_back();
    EXPECT_EQ(RunProgram({.arguments = std::move(arguments)}).exit_code, 0);
  }

  const std::string directory_;
};

class TlsFetch : public testing::Test {
 protected:
  void SetUp() override { repository_.Commit({{"a", "1"}}); }

  // What a fetch from a server with this certificate comes to.
  absl::Status Try(const std::pair<std::string, std::string>& certificate,
                   const std::string& ca_pem, const std::string& protocols = "TLSv1.2 TLSv1.3") {
    absl::StatusOr<std::unique_ptr<GitServer>> server =
        GitServer::Start({.root = repository_.root(),
                          .certificate_pem = certificate.first,
                          .key_pem = certificate.second,
                          .tls_protocols = protocols});
    if (!server.ok()) return server.status();
    TestSource source({(*server)->base_url()});
    return source.Fetch((*server)->base_url() + "/fleet.git", {}, {.ca_pem = ca_pem}).status();
  }

  TestRepository repository_;
  Authority authority_;
};

TEST_F(TlsFetch, TheSecretsAuthorityIsBelieved) {
  const absl::Status status = Try(authority_.Issue("IP:127.0.0.1"), authority_.pem());
  if (absl::IsUnavailable(status) && absl::StrContains(status.message(), "not installed"))
    GTEST_SKIP() << status;
  EXPECT_OK(status);
}

TEST_F(TlsFetch, A17WhatNoAuthorityVouchesForIsRefused) {
  if (FindProgram("nginx").empty() || FindProgram("fcgiwrap").empty())
    GTEST_SKIP() << "nginx is not installed";
  const auto refused =
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("certificate is not trusted"));
  Authority other;
  EXPECT_THAT(Try(authority_.Issue("IP:127.0.0.1"), ""),
              refused);  // Signed by nobody that the system knows.
  EXPECT_THAT(Try(authority_.Issue("IP:127.0.0.1"), other.pem()), refused);  // By somebody else.
  EXPECT_THAT(Try(authority_.Issue("IP:127.0.0.2"), authority_.pem()), refused);
  EXPECT_THAT(Try(authority_.Issue("DNS:git.example.com"), authority_.pem()), refused);
  EXPECT_THAT(Try(authority_.Issue("IP:127.0.0.1", "-1"), authority_.pem()), refused);  // Expired.
  EXPECT_THAT(Try(authority_.IssueSelfSigned(), ""), refused);
  EXPECT_THAT(Try(authority_.IssueSelfSigned(), authority_.pem()), refused);
  EXPECT_THAT(Try(authority_.Issue("IP:127.0.0.1"), "no certificate"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ca.crt")));
}

// Git's own ways to turn the check off: variables, and a configuration in the home directory.
TEST_F(TlsFetch, A17NothingTurnsTheCheckOff) {
  if (FindProgram("nginx").empty() || FindProgram("fcgiwrap").empty())
    GTEST_SKIP() << "nginx is not installed";
  const std::string home = MakeTemporaryDirectory("lockstep-home-").value();
  ASSERT_OK(WriteFileAtomic(home + "/.gitconfig", "[http]\n  sslVerify = false\n  proxy = x\n",
                            Durability::kNone));
  const std::string before = getenv("HOME") == nullptr ? "/" : getenv("HOME");
  setenv("HOME", home.c_str(), 1);
  setenv("GIT_SSL_NO_VERIFY", "1", 1);
  setenv("GIT_CONFIG_COUNT", "1", 1);
  setenv("GIT_CONFIG_KEY_0", "http.sslVerify", 1);
  setenv("GIT_CONFIG_VALUE_0", "false", 1);
  EXPECT_THAT(
      Try(authority_.Issue("IP:127.0.0.1"), ""),
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("certificate is not trusted")));
  setenv("HOME", before.c_str(), 1);
  for (const char* name :
       {"GIT_SSL_NO_VERIFY", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"}) {
    unsetenv(name);
  }
  EXPECT_OK(RemoveTree(home));
}

TEST_F(TlsFetch, A17OldTlsIsRefused) {
  if (FindProgram("nginx").empty() || FindProgram("fcgiwrap").empty())
    GTEST_SKIP() << "nginx is not installed";
  const auto certificate = authority_.Issue("IP:127.0.0.1");
  // The server does speak it, to those who insist.
  ASSERT_OK_AND_ASSIGN(const auto server, GitServer::Start({.root = repository_.root(),
                                                            .certificate_pem = certificate.first,
                                                            .key_pem = certificate.second,
                                                            .tls_protocols = "TLSv1"}));
  const std::string address(absl::StripPrefix(server->base_url(), "https://"));
  EXPECT_EQ(RunProgram({.arguments = {"openssl", "s_client", "-connect", address, "-tls1",
                                      "-cipher", "DEFAULT@SECLEVEL=0"}})
                .exit_code,
            0);
  EXPECT_THAT(Try(certificate, authority_.pem(), "TLSv1"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("reaching the server")));
}

}  // namespace
}  // namespace lockstep
