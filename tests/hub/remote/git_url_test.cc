#include "hub/remote/git_url.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(GitUrl, HasOneSpelling) {
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"https://Git.Example.com/platform/fleet.git", "https://git.example.com/platform/fleet.git"},
      {"HTTPS://git.example.com:443/fleet/", "https://git.example.com/fleet"},
      {"https://git.example.com:8443/fleet", "https://git.example.com:8443/fleet"},
      {"http://127.0.0.1:80/a%20b", "http://127.0.0.1/a%20b"},
      {"ssh://git@git.example.com/fleet.git", "ssh://git@git.example.com/fleet.git"},
      {"ssh://git@git.example.com:2222/~me/fleet", "ssh://git@git.example.com:2222/~me/fleet"},
      {"git@git.example.com:platform/fleet.git", "git@git.example.com:platform/fleet.git"},
      {"https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"},
      {"file:///srv/git/fleet.git", "file:///srv/git/fleet.git"},
  };
  for (const auto& [text, want] : spellings) {
    ASSERT_OK_AND_ASSIGN(const GitUrl url, GitUrl::Parse(text));
    EXPECT_EQ(url.ToString(), want);
    ASSERT_OK_AND_ASSIGN(const GitUrl again, GitUrl::Parse(want));
    EXPECT_EQ(again, url) << want;
  }
}

TEST(GitUrl, TellsItsParts) {
  ASSERT_OK_AND_ASSIGN(const GitUrl url, GitUrl::Parse("ssh://git@Git.example.com:2222/a/b.git"));
  EXPECT_EQ(url.scheme(), GitUrl::Scheme::kSsh);
  EXPECT_EQ(url.user(), "git");
  EXPECT_EQ(url.host(), "git.example.com");
  EXPECT_EQ(url.port(), 2222);
  EXPECT_EQ(url.path(), "/a/b.git");
  EXPECT_EQ(url.ToStringAt("2001:db8::1"), "ssh://git@[2001:db8::1]:2222/a/b.git");
}

TEST(GitUrl, A14RefusesWhatAProgramOrShellCouldRead) {
  for (const char* text : {"",
                           "-oProxyCommand=touch /tmp/x",
                           "--upload-pack=touch",
                           "ext::sh -c touch% /tmp/x",
                           "git@host::path",
                           "git://git.example.com/x",
                           "ssh://-oProxyCommand=touch/x",
                           "ssh://-l@git.example.com/x",
                           "ssh://git@-host/x",
                           "-git@host:x",
                           "git@-host:x",
                           "git@host:-x",
                           "git@host:",
                           "ssh://git.example.com/x",
                           "https://git.example.com/x;touch",
                           "https://git.example.com/$(touch x)",
                           "https://git.example.com/`x`",
                           "https://git.example.com/'x'",
                           "https://git.example.com/\"x\"",
                           "https://git.example.com/a b",
                           "https://git.example.com/x\\y",
                           "https://git.example.com/../x",
                           "https://git.example.com/a/./x",
                           "https://git.example.com/%2e%2e/x",
                           "https://git.example.com/%2Fx",
                           "https://git.example.com/%00x",
                           "https://git.example.com/x%0a",
                           "https://git.example.com/x%",
                           "https://git.example.com/-x",
                           "https://git.example.com/x?service=y",
                           "https://git.example.com/x#y",
                           "https://git.example.com",
                           "https://git.example.com:0/x",
                           "https://git.example.com:65536/x",
                           "https://git.example.com:8a/x",
                           "https:///x",
                           "https://[::1/x",
                           "https://[fe80::1%25eth0]/x",
                           "https://gìt.example.com/x",
                           "file://host/x",
                           "file:///",
                           "unix:///run/x",
                           "/srv/git",
                           "fleet"}) {
    EXPECT_THAT(GitUrl::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the repository's URL")))
        << text;
  }
}

TEST(GitUrl, A15RefusesControlCharactersAndShowsThemEscaped) {
  for (const std::string& text :
       {std::string("https://git.example.com/\x1b[31mx"),
        std::string("https://git.example.com/x\r"), std::string("https://git.example.com/x\n"),
        std::string("https://git\0.example.com/x", 26)}) {
    EXPECT_THAT(GitUrl::Parse(text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("control character"), Not(HasSubstr("\x1b")),
                               Not(HasSubstr("\r")), Not(HasSubstr("\n")))));
  }
}

TEST(GitUrl, A91RefusesCredentialsAndDoesNotRepeatThem) {
  for (const char* text :
       {"https://user:canary@git.example.com/x", "https://canary@git.example.com/x",
        "http://u:canary@git.example.com/x", "ssh://git:canary@git.example.com/x",
        "https://u:canary/slash@git.example.com/x", "https://u:canary@git.example.com",
        "foo://u:canary@git.example.com/x", "https://u:canary@git.example.com/x\n"}) {
    EXPECT_THAT(GitUrl::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument,
                                              AllOf(HasSubstr("***@"), Not(HasSubstr("canary")))))
        << text;
  }
  EXPECT_THAT(GitUrl::Parse("https://u:canary@git.example.com/x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("spec.secretRef")));
}

TEST(GitUrl, ShowsAtMostTwoHundredBytes) {
  EXPECT_LE(RedactUrl("https://h/" + std::string(5000, 'x')).size(), 210u);
  EXPECT_THAT(GitUrl::Parse("https://h/" + std::string(5000, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2048")));
}

}  // namespace
}  // namespace lockstep
