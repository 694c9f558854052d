#include "common/metrics/monitor_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <absl/strings/str_cat.h>

#include "common/base/file.h"
#include "tests/testing/status.h"

namespace lockstep {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class MonitorServerTest : public testing::Test {
 protected:
  void Start(MonitorServer::Options options = {}) {
    ASSERT_OK_AND_ASSIGN(
        server_, MonitorServer::Start(options, {.metrics = [] { return "lockstep_level 1\n"; },
                                                .healthy = [this] { return healthy_; },
                                                .ready = [this] { return ready_; }}));
  }

  OwnedFd Connect() {
    OwnedFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }

  /// All the server says until it closes.
  static std::string ReadToEnd(const OwnedFd& fd) {
    std::string all;
    char buffer[4096];
    for (ssize_t got; (got = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }

  static void Send(const OwnedFd& fd, const std::string& bytes) {
    send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  std::string Ask(const std::string& request) {
    const OwnedFd fd = Connect();
    Send(fd, request);
    return ReadToEnd(fd);
  }

  std::string Get(const std::string& path) {
    return Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  }

  absl::Status healthy_;  // Not changed while a request runs.
  absl::Status ready_;
  std::unique_ptr<MonitorServer> server_;
};

TEST_F(MonitorServerTest, ServesMetrics) {
  Start();
  const std::string answer = Get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nlockstep_level 1\n"));
  EXPECT_THAT(Get("/metrics?name=x"), StartsWith("HTTP/1.1 200"));
}

TEST_F(MonitorServerTest, TellsHealthAndReadinessApart) {
  ready_ = absl::UnavailableError("the store is being read");
  Start();
  EXPECT_THAT(Get("/healthz"), EndsWith("\r\n\r\nok\n"));
  const std::string ready = Get("/readyz");
  EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(ready, EndsWith("\r\n\r\nthe store is being read\n"));
}

TEST_F(MonitorServerTest, RefusesWhatItDoesNotServe) {
  Start();
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Get("/metrics/../etc/passwd"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(Ask("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Ask("\x16\x03\x01 no HTTP at all\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(MonitorServerTest, AnswersHeadWithoutABody) {
  Start();
  const std::string answer = Ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 17\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(MonitorServerTest, AnswersSeveralRequestsOnOneConnection) {
  Start();
  const OwnedFd fd = Connect();
  Send(fd,
       "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n"
       "Connection: close\r\n\r\n");
  const std::string answers = ReadToEnd(fd);
  EXPECT_NE(answers.find("HTTP/1.1 200"), answers.rfind("HTTP/1.1 200"));
}

TEST_F(MonitorServerTest, RefusesALargeHeader) {
  Start();
  EXPECT_THAT(Ask(absl::StrCat("GET /metrics HTTP/1.1\r\nX: ", std::string(9000, 'a'), "\r\n\r\n")),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(MonitorServerTest, CutsOffASlowClient) {
  Start({.timeout = absl::Milliseconds(20)});
  const OwnedFd fd = Connect();
  Send(fd, "GET /metr");
  EXPECT_EQ(ReadToEnd(fd), "");  // Returns when the server closes.
}

TEST_F(MonitorServerTest, ClosesConnectionsOverTheLimitAtOnceAndServesAgain) {
  Start({.connections_max = 2});
  std::optional<OwnedFd> first = Connect();
  const OwnedFd second = Connect();
  Send(*first, "GET /heal");
  Send(second, "GET /heal");
  EXPECT_EQ(ReadToEnd(Connect()), "");
  Send(*first, "thz HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(ReadToEnd(*first), StartsWith("HTTP/1.1 200"));
  first.reset();
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(MonitorServerTest, StopsWithClientsConnected) {
  Start();
  const OwnedFd fd = Connect();
  Send(fd, "GET /metr");
  server_->Stop();
  server_->Stop();
  server_.reset();
  EXPECT_EQ(ReadToEnd(fd), "");
}

TEST_F(MonitorServerTest, SaysWhyItCannotListen) {
  Start();
  EXPECT_THAT(MonitorServer::Start({.port = server_->port()}, {}),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("choose another port")));
  EXPECT_THAT(MonitorServer::Start({.address = "localhost"}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no IP address")));
}

}  // namespace
}  // namespace lockstep
