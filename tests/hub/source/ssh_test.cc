#include <memory>
#include <pwd.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/base/digest.h"
#include "common/base/thread.h"
#include "hub/source/ssh_host.h"
#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/process.h"

// Fetches over ssh from OpenSSH's server, started for each connection on a socket of the test.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string UserName() { return getpwuid(geteuid())->pw_name; }

class SshServer {
 public:
  explicit SshServer(const std::string& host_key_type)
      : directory_(MakeTemporaryDirectory("lockstep-sshd-").value()),
        listener_(ListenOnLoopback()) {
    if (geteuid() == 0) MakeDirectories("/run/sshd").IgnoreError();
    host_key_ = MakeKey("host", host_key_type, "");
    const std::string configuration =
        absl::StrCat("HostKey ", directory_, "/host\nAuthorizedKeysFile ", directory_,
                     "/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication "
                     "no\nKbdInteractiveAuthentication no\n"
                     "PermitRootLogin yes\nPidFile none\nLogLevel QUIET\n");
    EXPECT_OK(WriteFileAtomic(directory_ + "/sshd_config", configuration, Durability::kNone, 0600));
    acceptor_ = Thread("sshd", [this] { Accept(); });
  }
  ~SshServer() {
    shutdown(listener_.socket.get(), SHUT_RDWR);
    acceptor_.Join();
    EXPECT_OK(RemoveTree(directory_));
  }

  static bool Installed() {
    return !FindProgram("sshd").empty() && !FindProgram("ssh-keygen").empty();
  }

  // Makes a key pair, lets it in if it is no host's, and returns the public line.
  std::string MakeKey(const std::string& name, const std::string& type,
                      const std::string& passphrase) {
    const std::string path = directory_ + "/" + name;
    EXPECT_EQ(RunProgram({.arguments = {"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "",
                                        "-f", path}})
                  .exit_code,
              0);
    return ReadFile(path + ".pub").value();
  }
  void Authorize(const std::string& public_key) {
    EXPECT_OK(WriteFileAtomic(directory_ + "/authorized", public_key, Durability::kNone, 0600));
  }
  std::string PrivateKey(const std::string& name) {
    return ReadFile(directory_ + "/" + name).value();
  }

  std::string KnownHosts(const std::string& host) const {
    return absl::StrCat("[", host, "]:", listener_.port, " ", host_key_);
  }
  std::string Url(const TestRepository& repository, const std::string& host = "127.0.0.1") const {
    return absl::StrCat("ssh://", UserName(), "@", host, ":", listener_.port, repository.bare());
  }
  uint16_t port() const { return listener_.port; }

 private:
  void Accept() {
    while (true) {
      const OwnedFd socket(accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.valid()) return;
      programs_.emplace_back(
          ProgramOptions{.arguments = {"sshd", "-i", "-f", directory_ + "/sshd_config"},
                         .descriptors = {{0, socket.get()}, {1, socket.get()}}});
    }
  }

  const std::string directory_;
  Listener listener_;
  std::string host_key_;
  std::vector<BackgroundProgram> programs_;  // Of the acceptor's thread.
  Thread acceptor_;
};

class SshFetch : public testing::Test {
 protected:
  void SetUp() override {
    if (!SshServer::Installed()) GTEST_SKIP() << "sshd is not installed";
  }

  TestRepository repository_;
};

TEST_F(SshFetch, EveryModernKeyWorksAndFetchesOnlyWhatIsNew) {
  const std::string first = repository_.Commit({{"a", "1"}});
  for (const char* type : {"ed25519", "ecdsa"}) {
    SshServer server(type);
    TestSource source({absl::StrCat("ssh://127.0.0.1:", server.port())});
    server.Authorize(server.MakeKey("user", type, "open sesame"));
    const GitCredentials credentials{.identity = server.PrivateKey("user"),
                                     .passphrase = "open sesame",
                                     .known_hosts = server.KnownHosts("127.0.0.1")};
    ASSERT_OK_AND_ASSIGN(const FetchResult clone,
                         source.Fetch(server.Url(repository_), {}, credentials));
    EXPECT_EQ(source.Read(clone, "a").size(), 1u);
    ASSERT_OK_AND_ASSIGN(const FetchResult idle,
                         source.Fetch(server.Url(repository_), {}, credentials));
    EXPECT_FALSE(idle.changed);
    const std::string next = repository_.Commit({{"a", "2"}});
    ASSERT_OK_AND_ASSIGN(const FetchResult moved,
                         source.Fetch(server.Url(repository_), {}, credentials));
    EXPECT_EQ(moved.commit, next);
    EXPECT_EQ(moved.previous, clone.commit);
  }
}

TEST_F(SshFetch, A17AHostIsKnownByItsNameAndOthersAreRefused) {
  repository_.Commit({{"a", "1"}});
  SshServer server("ed25519");
  SshServer other("ed25519");
  TestSource source({absl::StrCat("ssh://localhost:", server.port()), "127.0.0.0/8"});
  server.Authorize(server.MakeKey("user", "ed25519", ""));
  GitCredentials credentials{.identity = server.PrivateKey("user"),
                             .known_hosts = server.KnownHosts("localhost")};
  const std::string url = server.Url(repository_, "localhost");
  EXPECT_OK(source.Fetch(url, {}, credentials));
  // The name is what counts, not the address that it happens to have.
  credentials.known_hosts = server.KnownHosts("127.0.0.1");
  EXPECT_THAT(source.Fetch(url, {}, credentials),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("ssh-keyscan")));
  credentials.known_hosts =
      "@revoked " + server.KnownHosts("localhost") + server.KnownHosts("localhost");
  EXPECT_THAT(source.Fetch(url, {}, credentials),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("ssh-keyscan")));
  std::string wrong = other.KnownHosts("localhost");
  wrong.replace(wrong.find(absl::StrCat(other.port())), absl::StrCat(other.port()).size(),
                absl::StrCat(server.port()));
  credentials.known_hosts = wrong;
  EXPECT_THAT(source.Fetch(url, {}, credentials),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("not the one in the Secret's known_hosts")));
}

TEST_F(SshFetch, A91ARefusedOrUnusableIdentitySaysWhatToDoAndIsNotRepeated) {
  repository_.Commit({{"a", "1"}});
  SshServer server("ed25519");
  TestSource source({absl::StrCat("ssh://127.0.0.1:", server.port())});
  server.Authorize(server.MakeKey("user", "ed25519", "canary-7391"));
  server.MakeKey("stranger", "ed25519", "");
  server.MakeKey("old", "rsa", "");
  GitCredentials credentials{.identity = server.PrivateKey("stranger"),
                             .known_hosts = server.KnownHosts("127.0.0.1")};
  EXPECT_THAT(
      source.Fetch(server.Url(repository_), {}, credentials),
      StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("refused the Secret's identity")));
  credentials.identity = server.PrivateKey("user");
  credentials.passphrase = "wrong-7391";
  const absl::StatusOr<FetchResult> locked = source.Fetch(server.Url(repository_), {}, credentials);
  EXPECT_FALSE(locked.ok());
  EXPECT_THAT(locked.status().ToString(),
              AllOf(Not(HasSubstr("7391")), Not(HasSubstr("PRIVATE KEY"))));
  credentials.identity = server.PrivateKey("old");
  EXPECT_THAT(
      source.Fetch(server.Url(repository_), {}, credentials),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("RSA"), HasSubstr("ed25519"))));
  credentials.identity = "not a key";
  EXPECT_THAT(source.Fetch(server.Url(repository_), {}, credentials),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no private key")));
  credentials.identity = server.PrivateKey("user");
  credentials.known_hosts = "";
  EXPECT_THAT(source.Fetch(server.Url(repository_), {}, credentials),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("known_hosts")));
}

TEST_F(SshFetch, A18InternalAddressesAreRefusedBeforeConnecting) {
  SshServer server("ed25519");
  TestSource source({"10.0.0.0/8"});
  server.MakeKey("user", "ed25519", "");
  const GitCredentials credentials{.identity = server.PrivateKey("user"),
                                   .known_hosts = server.KnownHosts("localhost")};
  for (const char* host : {"127.0.0.1", "localhost", "[::1]", "2130706433"}) {
    EXPECT_THAT(source.Fetch(server.Url(repository_, host), {}, credentials),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")))
        << host;
  }
}

TEST_F(SshFetch, F59ASilentServerIsEndedByItsTime) {
  const Listener silent = ListenOnLoopback();  // Nobody accepts: the kernel does.
  SshServer server("ed25519");
  server.MakeKey("user", "ed25519", "");
  TestSource source({absl::StrCat("ssh://127.0.0.1:", silent.port)},
                    {.first_clone = absl::Milliseconds(400)});
  EXPECT_THAT(
      source->Fetch(
          {.url = GitUrl::Parse(absl::StrCat("ssh://git@127.0.0.1:", silent.port, "/x")).value(),
           .credentials = {.identity = server.PrivateKey("user"),
                           .known_hosts = "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMXx"},
           .timeout = absl::Milliseconds(400)}),
      StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("400ms")));
}

TEST(KnownHostsAt, UnderstandsOpenSshsLines) {
  const std::string salt = "salt5678901234567890";
  const std::string hashed =
      absl::StrCat("|1|", absl::Base64Escape(salt), "|",
                   absl::Base64Escape(HmacSha1(salt, "git.example.com")), " ssh-ed25519 HASHED");
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"git.example.com ssh-ed25519 K", "10.1.2.3 ssh-ed25519 K\n"},
      {"other,Git.Example.com ecdsa-sha2-nistp256 K comment", "10.1.2.3 ecdsa-sha2-nistp256 K\n"},
      {"*.example.com ssh-ed25519 K", "10.1.2.3 ssh-ed25519 K\n"},
      {"git.exampl?.com ssh-ed25519 K\r", "10.1.2.3 ssh-ed25519 K\n"},
      {hashed, "10.1.2.3 ssh-ed25519 HASHED\n"},
      {"*.example.com,!git.example.com ssh-ed25519 K", ""},
      {"git.example.com.evil ssh-ed25519 K", ""},
      {"# git.example.com ssh-ed25519 K", ""},
      {"git.example.com ssh-rsa K", ""},
      {"git.example.com ssh-rsa R\ngit.example.com ssh-ed25519 K", "10.1.2.3 ssh-ed25519 K\n"},
      {"@cert-authority *.example.com ssh-ed25519 K", ""},
      {"git.example.com ssh-ed25519 K\n@revoked * ssh-ed25519 K", ""},
      {"[git.example.com]:2222 ssh-ed25519 K", ""},
      {"", ""},
  };
  for (const auto& [text, want] : lines) {
    const absl::StatusOr<std::string> got = KnownHostsAt(text, "git.example.com", 22, "10.1.2.3");
    EXPECT_EQ(got.value_or(""), want) << text;
    EXPECT_EQ(got.ok(), !want.empty()) << text;
  }
  EXPECT_EQ(KnownHostsAt("[h]:2222 ssh-ed25519 K", "h", 2222, "::1").value_or(""),
            "[::1]:2222 ssh-ed25519 K\n");
  EXPECT_EQ(KnownHostsAt("h ssh-ed25519 K", "h", 2222, "10.0.0.1").value_or(""),
            "[10.0.0.1]:2222 ssh-ed25519 K\n");
  EXPECT_THAT(KnownHostsAt("h ssh-rsa K", "h", 2222, "10.0.0.1"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("SHA-1"), HasSubstr("-p 2222 h"))));
}

}  // namespace
}  // namespace lockstep
