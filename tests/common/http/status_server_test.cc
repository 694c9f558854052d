#include "common/http/status_server.h"

#include <arpa/inet.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

OwnedFd Connect(uint16_t port) {
  OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// What the server no longer reads may be refused; the answer counts.
void Send(const OwnedFd& fd, absl::string_view text) {
  (void)!send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

// All that comes until the server closes.
std::string ReadToEnd(const OwnedFd& fd) {
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = read(fd.get(), buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  return answer;
}

std::string Exchange(uint16_t port, absl::string_view text) {
  const OwnedFd fd = Connect(port);
  Send(fd, text);
  return ReadToEnd(fd);
}

std::string Get(uint16_t port, absl::string_view path) {
  return Exchange(port,
                  absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
}

TEST(StatusServer, AnswersItsPages) {
  absl::Status ready = absl::UnavailableError("the store is not loaded yet");
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      StatusServer::Start("127.0.0.1:0", {[] { return "lockstep_x 1\n"; }, [&] { return ready; }}));
  EXPECT_THAT(Get(server->port(), "/metrics"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(Get(server->port(), "/metrics"), HasSubstr("lockstep_x 1\n"));
  EXPECT_THAT(Get(server->port(), "/healthz"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Get(server->port(), "/readyz"), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(Get(server->port(), "/readyz"), HasSubstr("the store is not loaded yet"));
  EXPECT_THAT(Get(server->port(), "/../etc/passwd"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(
      Exchange(
          server->port(),
          "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
      StartsWith("HTTP/1.1 405"));
}

TEST(StatusServer, ClosesOnGarbageAndOnRequestsOverTheLimit) {
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      StatusServer::Start("127.0.0.1:0", {[] { return ""; }, [] { return absl::OkStatus(); }}));
  EXPECT_EQ(Exchange(server->port(), "\x16\x03\x01 not http\r\n\r\n"), "");
  EXPECT_EQ(Exchange(server->port(),
                     absl::StrCat("GET / HTTP/1.1\r\nX: ", std::string(20'000, 'x'), "\r\n\r\n")),
            "");
  EXPECT_THAT(Get(server->port(), "/healthz"), StartsWith("HTTP/1.1 200"));
}

// Pages that say nothing, with these limits.
std::unique_ptr<StatusServer> StartWith(StatusServer::Limits limits) {
  return *StatusServer::Start("127.0.0.1:0",
                              {[] { return "x 1\n"; }, [] { return absl::OkStatus(); }}, limits);
}

constexpr char kKept[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr char kLast[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

TEST(StatusServer, WhoSaysNothingOrHalfARequestIsClosedAtItsTime) {
  const auto server = StartWith({.request_time = absl::Milliseconds(20)});
  EXPECT_EQ(Exchange(server->port(), ""), "");
  EXPECT_EQ(Exchange(server->port(), "GET /healthz HTTP/1.1\r\nHost: "), "");
  EXPECT_THAT(Exchange(server->port(), kKept), StartsWith("HTTP/1.1 200"));  // And then closed.
}

TEST(StatusServer, IdleConnectionsKeepNobodyOut) {
  const auto server = StartWith({.request_time = absl::Hours(1), .connections = 3});
  std::vector<OwnedFd> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(Connect(server->port()));
    Send(idle.back(), "GET /healthz HTTP/1.1\r\n");
    EXPECT_THAT(Get(server->port(), "/healthz"), StartsWith("HTTP/1.1 200")) << i;
  }
  // Three stay at most: the others were closed, the longest idle first.
  for (int i = 0; i < 37; ++i) EXPECT_EQ(ReadToEnd(idle[i]), "");
}

TEST(StatusServer, ARequestOverItsLimitIsClosedWherever) {
  const auto server = StartWith({.request_bytes = 512});
  const std::string much(600, 'x');
  for (const std::string& request :
       {absl::StrCat("GET /", much, " HTTP/1.1\r\n\r\n"), absl::StrCat(much, " / HTTP/1.1\r\n\r\n"),
        absl::StrCat("GET / HTTP/1.1\r\n", much, ": x\r\n\r\n"),
        absl::StrCat("GET / HTTP/1.1\r\nX: ", much, "\r\n\r\n"),
        absl::StrCat("GET /", much, much)}) {
    EXPECT_EQ(Exchange(server->port(), request), "") << request;
  }
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) absl::StrAppend(&many, "h", i, ": x\r\n");
  EXPECT_EQ(Exchange(server->port(), many + "\r\n"), "");
  EXPECT_THAT(Get(server->port(), "/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST(StatusServer, ABodyIsNotReadAndNotAnswered) {
  const auto server = StartWith({});
  for (const char* head :
       {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n.",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n.."}) {
    EXPECT_EQ(Exchange(server->port(), head), "") << head;
  }
}

TEST(StatusServer, RequestsInOneGoAreAnsweredInTheirOrder) {
  const auto server = StartWith({});
  std::string burst;
  for (int i = 0; i < 2000; ++i) burst += kKept;  // Over what is read ahead.
  const std::string answers = Exchange(server->port(), absl::StrCat(burst, kLast, kKept));
  size_t count = 0;
  for (size_t at = 0; (at = answers.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 2001u);  // Nothing after the one that closes.
  EXPECT_THAT(answers, testing::EndsWith("x 1\n"));
}

TEST(StatusServer, OtherMethodsAreRefused) {
  const auto server = StartWith({});
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "PURGE"}) {
    EXPECT_THAT(Exchange(server->port(),
                         absl::StrCat(
                             method, " /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
                StartsWith("HTTP/1.1 405"))
        << method;
  }
  EXPECT_THAT(
      Exchange(server->port(), "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
      testing::AllOf(HasSubstr("Content-Length: 4"), testing::EndsWith("\r\n\r\n")));
}

TEST(StatusServer, SaysWhatIsWrongWithItsAddress) {
  const StatusServer::Pages pages = {[] { return ""; }, [] { return absl::OkStatus(); }};
  EXPECT_THAT(StatusServer::Start("nowhere", pages).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("HOST:PORT")));
  ASSERT_OK_AND_ASSIGN(const auto first, StatusServer::Start("127.0.0.1:0", pages));
  EXPECT_THAT(StatusServer::Start(absl::StrCat("127.0.0.1:", first->port()), pages).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("in use")));
}

}  // namespace
}  // namespace lockstep
