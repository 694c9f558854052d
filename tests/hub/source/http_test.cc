#include <string>
#include <tuple>
#include <vector>

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include "common/base/channel.h"
#include "common/base/random.h"
#include "common/base/thread.h"
#include "tests/hub/source/http_fixture.h"
#include "tests/hub/source/source_fixture.h"
#include "tests/testing/git_repository.h"
#include "tests/testing/scripted_server.h"

// Fetches over http: from nginx with git http-backend, and from servers that fail.

namespace lockstep {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Connection = ScriptedServer::Connection;
using Request = ScriptedServer::Request;

TEST(HttpFetch, BringsTheHeadAndThenOnlyWhatIsNew) {
  TestRepository repository;
  std::map<std::string, std::string> files;
  for (int i = 0; i < 200; ++i) files["d/f" + std::to_string(i)] = std::to_string(i);
  const std::string first = repository.Commit(files);
  START_SERVER_OR_SKIP(server, {.root = repository.root()});
  TestSource source({server->base_url()});
  const std::string url = server->base_url() + "/fleet.git";
  ASSERT_OK_AND_ASSIGN(const FetchResult clone, source.Fetch(url));
  EXPECT_EQ(clone.revision, "main@sha1:" + first);
  EXPECT_EQ(source.Read(clone, "d/f7"), "7");
  ASSERT_OK_AND_ASSIGN(const FetchResult idle, source.Fetch(url));
  EXPECT_FALSE(idle.changed);
  EXPECT_EQ(idle.objects, 0);
  const std::string second = repository.Commit({{"d/f7", "seven"}});
  ASSERT_OK_AND_ASSIGN(const FetchResult next, source.Fetch(url));
  EXPECT_EQ(next.commit, second);
  EXPECT_EQ(next.objects, 4);
  EXPECT_EQ(source.Read(next, "d/f7"), "seven");
  server->Stop();
  EXPECT_THAT(source.Fetch(url),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("reaching the server")));
}

TEST(HttpFetch, APackOverTheBufferComesWhole) {
  TestRepository repository;
  std::string noise;
  SeededRng rng(7);
  while (noise.size() < (size_t{6} << 20)) absl::StrAppend(&noise, absl::Hex(rng.Next()));
  repository.Commit({{"noise", noise}});
  START_SERVER_OR_SKIP(server, {.root = repository.root()});
  TestSource source({server->base_url()});
  ASSERT_OK_AND_ASSIGN(const FetchResult result, source.Fetch(server->base_url() + "/fleet.git"));
  EXPECT_GT(result.bytes, 2 << 20);
  ASSERT_OK_AND_ASSIGN(const auto snapshot, source->Open(result.mirror, result.commit));
  EXPECT_EQ(**snapshot->ReadFile("noise", 1 << 24), noise);
}

TEST(HttpFetch, BasicCredentialsAreSentAndTheirRefusalSaysWhatToDo) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  START_SERVER_OR_SKIP(server,
                       {.root = repository.root(), .username = "ada", .password = "canary-7391"});
  TestSource source({server->base_url()});
  const std::string url = server->base_url() + "/fleet.git";
  EXPECT_OK(source.Fetch(url, {}, {.username = "ada", .password = "canary-7391"}));
  EXPECT_THAT(source.Fetch(url),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("spec.secretRef")));
  EXPECT_THAT(
      source.Fetch(url, {}, {.username = "ada", .password = "wrong-7391"}),
      StatusIs(absl::StatusCode::kPermissionDenied,
               AllOf(HasSubstr("refused the Secret's credentials"), Not(HasSubstr("wrong-7391")))));
  EXPECT_THAT(source.Fetch(server->base_url() + "/other.git", {},
                           {.username = "ada", .password = "canary-7391"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("404")));
}

TEST(HttpFetch, ABearerTokenIsSentAlone) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  ScriptedServer server([&](const Request& request, Connection& connection) {
    connection.Write(ScriptedServer::GitAnswer(request, repository.root()));
  });
  TestSource source({server.base_url()});
  ASSERT_OK(source.Fetch(server.base_url() + "/fleet.git", {}, {.bearer_token = "token-7391"}));
  for (const Request& request : server.requests()) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer token-7391");
    EXPECT_FALSE(request.headers.contains("git-protocol"));
    EXPECT_FALSE(request.headers.contains("cookie"));
  }
}

TEST(HttpFetch, F60RefusalsAndFailuresSayWhatToDoAndTheLastCommitStays) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  int status = 200;
  ScriptedServer server([&](const Request& request, Connection& connection) {
    if (status == 200) {
      connection.Write(ScriptedServer::GitAnswer(request, repository.root()));
    } else {
      connection.Answer(status, "Retry-After: 17\r\nContent-Type: text/html\r\n",
                        "<h1>nothing</h1>");
    }
  });
  TestSource source({server.base_url()});
  const std::string url = server.base_url() + "/fleet.git";
  ASSERT_OK_AND_ASSIGN(const FetchResult before, source.Fetch(url));
  const std::vector<std::tuple<int, absl::StatusCode, std::string>> cases = {
      {401, absl::StatusCode::kPermissionDenied, "spec.secretRef"},
      {403, absl::StatusCode::kPermissionDenied, "that right"},
      {404, absl::StatusCode::kNotFound, "spec.url"},
      {410, absl::StatusCode::kNotFound, "spec.url"},
      {429, absl::StatusCode::kResourceExhausted, "17 s"},
      {500, absl::StatusCode::kUnavailable, "HTTP 500"},
      {503, absl::StatusCode::kUnavailable, "HTTP 503"},
      {204, absl::StatusCode::kUnavailable, "HTTP 204"},
  };
  for (const auto& [answer, code, text] : cases) {
    status = answer;
    EXPECT_THAT(source.Fetch(url), StatusIs(code, AllOf(HasSubstr(text), HasSubstr(url))))
        << answer;
    EXPECT_EQ(source.Read(before, "a"), "1");
  }
  status = 200;
  ASSERT_OK_AND_ASSIGN(const FetchResult after, source.Fetch(url));
  EXPECT_EQ(after.commit, before.commit);
}

TEST(HttpFetch, F60AWebPageIsNoRepository) {
  ScriptedServer server([](const Request&, Connection& connection) {
    connection.Answer(200, "Content-Type: text/html\r\n", "<h1>Welcome</h1>");
  });
  TestSource source({server.base_url()});
  EXPECT_THAT(source.Fetch(server.base_url() + "/fleet"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("text/html"), HasSubstr("spec.url"))));
}

TEST(HttpFetch, F59AServerThatHangsOrDripsIsEndedByItsTimeAndHoldsUpNobody) {
  TestRepository good;
  good.Commit({{"a", "1"}});
  ScriptedServer silent([](const Request&, Connection& connection) { connection.WaitForEnd(); });
  ScriptedServer dripping([](const Request&, Connection& connection) {
    if (!connection.Write(
            absl::StrCat("HTTP/1.1 200 OK\r\n", kAdvertisement, "\r\n001e# service=git-upl")))
      return;
    connection.WaitForEnd();
  });
  TestSource source({silent.base_url(), dripping.base_url(), "file:///"},
                    {.first_clone = absl::Milliseconds(400)});
  std::vector<Thread> threads;
  for (const std::string& base : {silent.base_url(), dripping.base_url()}) {
    threads.emplace_back("fetch", [&source, base] {
      const GitUrl url = GitUrl::Parse(base + "/fleet.git").value();
      EXPECT_THAT(
          source->Fetch({.url = url, .timeout = absl::Milliseconds(400)}),
          StatusIs(absl::StatusCode::kDeadlineExceeded,
                   AllOf(HasSubstr("400ms"), HasSubstr("spec.timeout"), HasSubstr("hangs"))));
    });
  }
  EXPECT_OK(
      source->Fetch({.url = GitUrl::Parse(good.FileUrl()).value(), .timeout = absl::Seconds(60)}));
  for (Thread& thread : threads) thread.Join();
}

TEST(HttpFetch, StoppingEndsAFetchThatHangs) {
  ScriptedServer* waiting = nullptr;
  Channel<int> arrived(1);
  ScriptedServer silent([&arrived](const Request&, Connection& connection) {
    arrived.TrySend(1);
    connection.WaitForEnd();
  });
  waiting = &silent;
  TestSource source({waiting->base_url()});
  Thread fetch("fetch", [&] {
    EXPECT_THAT(source.Fetch(silent.base_url() + "/fleet.git"),
                StatusIs(absl::StatusCode::kCancelled, HasSubstr("stopping")));
  });
  arrived.Receive();
  source->Stop();
  fetch.Join();
}

TEST(HttpFetch, F61APackThatIsCutOrFlippedIsAnErrorAndTheMirrorIsAsBefore) {
  TestRepository repository;
  repository.Commit({{"a", std::string(3000, 'a')}});
  enum class Spoil { kNothing, kCut, kFlip } spoil = Spoil::kNothing;
  ScriptedServer server([&](const Request& request, Connection& connection) {
    std::string answer = ScriptedServer::GitAnswer(request, repository.root());
    const size_t pack = answer.find("PACK");
    if (request.method == "POST" && pack != std::string::npos) {
      if (spoil == Spoil::kCut) answer.resize(pack + (answer.size() - pack) / 2);
      if (spoil == Spoil::kFlip) answer[pack + (answer.size() - pack) / 2] ^= 0x10;
    }
    connection.Write(answer);
  });
  TestSource source({server.base_url()});
  const std::string url = server.base_url() + "/fleet.git";
  ASSERT_OK_AND_ASSIGN(const FetchResult before, source.Fetch(url));
  const std::string second = repository.Commit({{"a", std::string(3000, 'b')}, {"c", "c"}});
  for (const Spoil how : {Spoil::kCut, Spoil::kFlip}) {
    spoil = how;
    EXPECT_FALSE(source.Fetch(url).ok());
    EXPECT_EQ(source.Read(before, "a"), std::string(3000, 'a'));
    EXPECT_FALSE(source->Open(before.mirror, second).ok());
  }
  spoil = Spoil::kNothing;
  ASSERT_OK_AND_ASSIGN(const FetchResult after, source.Fetch(url));
  EXPECT_EQ(after.commit, second);
  EXPECT_EQ(after.previous, before.commit);
  EXPECT_EQ(source.Read(after, "c"), "c");
}

TEST(HttpFetch, F61APackWithoutItsTreesIsAnErrorAndTheRefStays) {
  TestRepository repository;
  repository.Commit({{"a", "1"}});
  TestRepository
      hollow;  // Has the commit, and the trees and blobs only in another object store, which goes.
  const std::string head = hollow.Commit({{"d/a", "2"}});
  const std::string pack = hollow.Git({"pack-objects", "--stdout"}, head + "\n");
  const auto packet = [](const std::string& text) {
    return absl::StrCat(absl::Hex(text.size() + 4, absl::kZeroPad4), text);
  };
  ScriptedServer server([&](const Request& request, Connection& connection) {
    if (request.method == "GET") {
      connection.Answer(200, kAdvertisement,
                        absl::StrCat(packet("# service=git-upload-pack\n"), "0000",
                                     packet(absl::StrCat(head, " refs/heads/main",
                                                         std::string(1, '\0'), "ofs-delta\n")),
                                     "0000"));
    } else {
      connection.Answer(200, "Content-Type: application/x-git-upload-pack-result\r\n",
                        packet("NAK\n") + pack);
    }
  });
  TestSource source({server.base_url()});
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_THAT(source.Fetch(server.base_url() + "/fleet.git", {.branch = "main"}),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("left out object")));
  }
}

}  // namespace
}  // namespace lockstep
