#include "common/http/status_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Sends `text` and returns all that comes back until the server closes or has answered one request.
std::string Exchange(uint16_t port, absl::string_view text) {
  OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return "no connection";
  // What the server no longer reads may be refused; the answer counts.
  (void)!send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  std::string answer;
  char buffer[4096];
  for (ssize_t got; (got = read(fd.get(), buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<size_t>(got));
  return answer;
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
