#include <map>
#include <string>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <gtest/gtest.h>

#include "common/base/sanitizers.h"
#include "tests/hub/source/http_fixture.h"
#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/scripted_server.h"

// Fetches from http servers that do what none should.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

TEST(HttpAttack, A13NothingButTheRepositorysOwnRequestsIsMade) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  ScriptedServer trap(
      [](const Request&, Connection& connection) { connection.Answer(200, "", ""); });
  ScriptedServer server([&](const Request& request, Connection& connection) {
    std::string answer = ScriptedServer::GitAnswer(request, repository.root());
    // As many bytes, so that the packet's length stays right: capabilities that name other places.
    const size_t at = answer.find("multi_ack ");
    if (at != std::string::npos) answer.replace(at, 10, "bundle-uri");
    connection.Write(answer);
  });
  TestSource source({server.base_url(), trap.base_url()});
  EXPECT_OK(source.Fetch(server.base_url() + "/fleet.git"));
  EXPECT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(trap.connections(), 0);
}

TEST(HttpAttack, A16RedirectsAreNotFollowedAndCredentialsStayHome) {
  ScriptedServer trap(
      [](const Request&, Connection& connection) { connection.Answer(401, "", ""); });
  for (const int status : {301, 302, 303, 307, 308}) {
    ScriptedServer server([&](const Request& request, Connection& connection) {
      connection.Answer(status, absl::StrCat("Location: ", trap.base_url(), request.target, "\r\n"),
                        "");
    });
    TestSource source({"http://127.0.0.1", server.base_url(), trap.base_url()});
    EXPECT_THAT(source.Fetch(server.base_url() + "/fleet.git", {},
                             {.username = "ada", .password = "canary-7391"}),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("redirects are not followed"), HasSubstr(trap.base_url()),
                               Not(HasSubstr("canary")))));
  }
  EXPECT_EQ(trap.connections(), 0);
}

TEST(HttpAttack, A16ARedirectOfTheSecondRequestIsNotFollowedEither) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  ScriptedServer trap(
      [](const Request&, Connection& connection) { connection.Answer(401, "", ""); });
  ScriptedServer server([&](const Request& request, Connection& connection) {
    if (request.method == "GET") {
      connection.Write(ScriptedServer::GitAnswer(request, repository.root()));
    } else {
      connection.Answer(307, absl::StrCat("Location: ", trap.base_url(), request.target, "\r\n"),
                        "");
    }
  });
  TestSource source({server.base_url(), trap.base_url()});
  EXPECT_THAT(source.Fetch(server.base_url() + "/fleet.git", {},
                           {.username = "ada", .password = "canary-7391"}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("redirects")));
  EXPECT_EQ(trap.connections(), 0);
}

TEST(HttpAttack, A18InternalAddressesAreRefusedWhenConnectingHoweverTheyAreWritten) {
  ScriptedServer trap(
      [](const Request&, Connection& connection) { connection.Answer(200, "", ""); });
  TestSource source({"10.0.0.0/8"});
  for (const char* host :
       {"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433",
        "0x7f000001", "0177.0.0.1", "169.254.169.254", "[fe80::1]", "[64:ff9b::7f00:1]"}) {
    EXPECT_THAT(source.Fetch(absl::StrCat("https://", host, ":", trap.port(), "/fleet.git")),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("--allow-source")))
        << host;
  }
  EXPECT_EQ(trap.connections(), 0);
}

TEST(HttpAttack, A19EndlessAnswersEndAtTheirLimit) {
  TestRepository good;
  good.Commit({{"a", "1"}});
  ScriptedServer refs([&](const Request&, Connection& connection) {
    connection.Write(absl::StrCat("HTTP/1.1 200 OK\r\n", kAdvertisement,
                                  "\r\n001e# service=git-upload-pack\n0000"));
    std::string block;
    while (block.size() < 60'000)
      block += absl::StrCat("0041", std::string(40, 'a'), " refs/heads/", "12345678\n");
    while (connection.Write(block)) {
    }
  });
  ScriptedServer garbage([&](const Request&, Connection& connection) {
    connection.Answer(200, kAdvertisement, "zzzz this is no packet line");
  });
  ScriptedServer zipped([&](const Request&, Connection& connection) {
    connection.Answer(200, absl::StrCat(kAdvertisement, "Content-Encoding: gzip\r\n"),
                      "\x1f\x8b\x08");
  });
  ScriptedServer progress([&](const Request& request, Connection& connection) {
    if (request.method == "GET") {
      connection.Write(ScriptedServer::GitAnswer(request, good.root()));
      return;
    }
    connection.Write(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-result\r\n\r\n0008NAK\n");
    const std::string talk =
        absl::StrCat(absl::Hex(1005, absl::kZeroPad4), "\x02", std::string(1000, '.'));
    while (connection.Write(talk)) {
    }
  });
  TestSource source(
      {refs.base_url(), garbage.base_url(), zipped.base_url(), progress.base_url(), "file:///"},
      {.bytes = int64_t{8} << 20, .refs_bytes = int64_t{2} << 20});
  EXPECT_THAT(source.Fetch(refs.base_url() + "/x"),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("--fetch-refs-bytes-max")));
  EXPECT_FALSE(source.Fetch(garbage.base_url() + "/x").ok());
  EXPECT_FALSE(source.Fetch(zipped.base_url() + "/x").ok());
  EXPECT_THAT(source.Fetch(progress.base_url() + "/fleet.git"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       testing::AnyOf(HasSubstr("8 MiB"), HasSubstr("without end"))));
  EXPECT_OK(source.Fetch(good.FileUrl()));
}

TEST(HttpAttack, A19MoreObjectsOrBytesThanAllowedAreRefused) {
  TestRepository repository;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 50; ++i) files["f" + std::to_string(i)] = std::to_string(i);
  repository.Commit(files);
  START_SERVER_OR_SKIP(server, {.root = repository.root()});
  TestSource few({server->base_url(), "file:///"}, {.objects = 20});
  TestSource small({server->base_url(), "file:///"}, {.bytes = 1000});
  TestSource refless({server->base_url(), "file:///"}, {.refs_bytes = 60});
  for (const std::string& url : {server->base_url() + "/fleet.git", repository.FileUrl()}) {
    EXPECT_THAT(few.Fetch(url), StatusIs(absl::StatusCode::kResourceExhausted,
                                         AllOf(HasSubstr("20"), HasSubstr("--fetch-objects-max"))));
    EXPECT_THAT(small.Fetch(url),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("--fetch-bytes-max")));
    EXPECT_THAT(refless.Fetch(url), StatusIs(absl::StatusCode::kResourceExhausted,
                                             HasSubstr("--fetch-refs-bytes-max")));
  }
}

TEST(HttpAttack, A19AFetchThatNeedsMoreMemoryThanAllowedEndsAndSaysSo) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need more address space than there is";
  TestRepository repository;
  // Two versions of a large file: the second comes as a delta of a few bytes, and both are in
  // memory while it is applied.
  std::string big(size_t{16} << 20, 'x');
  repository.Commit({{"big", big}});
  big.back() = 'y';
  repository.Commit({{"big", big}});
  repository.Git({"-C", repository.bare(), "repack", "-a", "-d", "-q"});
  START_SERVER_OR_SKIP(server, {.root = repository.root()});
  TestSource tight({server->base_url(), "file:///"}, {.memory_bytes = int64_t{56} << 20});
  EXPECT_THAT(tight.Fetch(server->base_url() + "/fleet.git"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("56 MiB"), HasSubstr("--fetch-memory-max"))));
  TestRepository good;
  good.Commit({{"a", "1"}});
  EXPECT_OK(tight.Fetch(good.FileUrl()));
  TestSource wide({server->base_url()});
  EXPECT_OK(wide.Fetch(server->base_url() + "/fleet.git"));
}

TEST(HttpAttack, A20RefNamesOfAServerWriteNothingButOurOwnRefs) {
  TestRepository repository;
  const std::string head = repository.Commit({{"a", "1"}});
  const auto line = [&head](const std::string& name) {
    const std::string text = absl::StrCat(head, " ", name, "\n");
    return absl::StrCat(absl::Hex(text.size() + 4, absl::kZeroPad4), text);
  };
  std::string names;
  for (const std::string& name :
       {std::string("refs/heads/../../../escape"), std::string("refs/../config"),
        std::string("refs/heads/-x"), std::string("refs/heads/.lock"),
        std::string("refs/heads/a.lock"), std::string("../escape"),
        std::string("objects/info/alternates"), std::string("refs/heads/a\0b", 14),
        std::string("refs/heads/\x1b[31m"), std::string("refs/tags/") + std::string(4096, 't')}) {
    names += line(name);
  }
  ScriptedServer server([&](const Request& request, Connection& connection) {
    std::string answer = ScriptedServer::GitAnswer(request, repository.root());
    if (request.method == "GET") answer.insert(answer.rfind("0000"), names);
    connection.Write(answer);
  });
  // A commit by its id alone asks for all branches and tags.
  for (const GitRef& ref : {GitRef{.branch = "main"}, GitRef{.commit = head}}) {
    TestSource source({server.base_url()});
    ASSERT_OK_AND_ASSIGN(const FetchResult result,
                         source.Fetch(server.base_url() + "/fleet.git", ref));
    EXPECT_EQ(source.Read(result, "a"), "1");
    const std::string mirror = source.MirrorPath(result.mirror);
    EXPECT_THAT(*ListDirectory(mirror + "/refs/heads"),
                testing::ElementsAreArray(ref.commit.empty() ? std::vector<std::string>{"main"}
                                                             : std::vector<std::string>()));
    EXPECT_THAT(*ListDirectory(mirror + "/refs/tags"), testing::IsEmpty());
    EXPECT_THAT(*ListDirectory(mirror + "/.."),
                testing::UnorderedElementsAre("git0", "home", "url"));
    EXPECT_FALSE(PathExists(mirror + "/escape"));
    EXPECT_FALSE(PathExists(mirror + "/objects/info/alternates"));
  }
}

TEST(HttpAttack, A91NoErrorHoldsASecret) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  const GitCredentials basic{.username = "ada", .password = "canary-7391"};
  const GitCredentials bearer{.bearer_token = "canary-7391"};
  // A server that says back all that it got, wherever a client might repeat it.
  ScriptedServer echo([](const Request& request, Connection& connection) {
    const auto found = request.headers.find("authorization");
    const std::string secret = found == request.headers.end() ? "" : found->second;
    connection.Answer(
        302,
        absl::StrCat("Location: http://u:canary-7391@127.0.0.1/", secret, "?t=canary-7391\r\n"),
        "");
  });
  ScriptedServer typed([](const Request& request, Connection& connection) {
    const auto found = request.headers.find("authorization");
    const std::string secret = found == request.headers.end() ? "" : found->second;
    connection.Answer(200, absl::StrCat("Content-Type: ", secret, "canary-7391\r\n"), "");
  });
  ScriptedServer remote_error([](const Request&, Connection& connection) {
    connection.Answer(200, kAdvertisement,
                      "001e# service=git-upload-pack\n00000019ERR canary-7391 x\n");
  });
  ScriptedServer refusing([](const Request& request, Connection& connection) {
    const auto found = request.headers.find("authorization");
    const std::string secret = found == request.headers.end() ? "" : found->second;
    connection.Answer(401, absl::StrCat("WWW-Authenticate: Basic realm=\"", secret, "\"\r\n"),
                      absl::StrCat("canary-7391 ", secret));
  });
  ScriptedServer silent([](const Request&, Connection& connection) { connection.WaitForEnd(); });
  TestSource source({"http://127.0.0.1", echo.base_url(), typed.base_url(), remote_error.base_url(),
                     refusing.base_url(), silent.base_url(), "http://no.invalid"},
                    {.first_clone = absl::Milliseconds(400)});
  for (const std::string& base :
       {echo.base_url(), typed.base_url(), remote_error.base_url(), refusing.base_url(),
        silent.base_url(), std::string("http://no.invalid"), std::string("http://127.0.0.1:1")}) {
    for (const GitCredentials& credentials : {basic, bearer}) {
      const absl::StatusOr<FetchResult> result = source->Fetch(
          {.url = GitUrl::Parse(base + "/fleet.git").value(),
           .credentials_key = "default/git",
           .credentials = credentials,
           .timeout = base == silent.base_url() ? absl::Milliseconds(400) : absl::Seconds(60)});
      ASSERT_FALSE(result.ok());
      const std::string text = result.status().ToString();
      EXPECT_THAT(text, AllOf(Not(HasSubstr("canary")),
                              Not(HasSubstr(absl::Base64Escape("ada:canary-7391")))))
          << base;
    }
  }
}

TEST(HttpAttack, A91TheEnvironmentsProxyIsNotUsed) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  ScriptedServer proxy(
      [](const Request&, Connection& connection) { connection.Answer(407, "", ""); });
  setenv("http_proxy", proxy.base_url().c_str(), 1);
  START_SERVER_OR_SKIP(server, {.root = repository.root()});
  TestSource source({server->base_url()});
  EXPECT_OK(source.Fetch(server->base_url() + "/fleet.git"));
  unsetenv("http_proxy");
  EXPECT_EQ(proxy.connections(), 0);
}

}  // namespace
}  // namespace lockstep
