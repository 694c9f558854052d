#include "tests/testing/tcp_proxy.h"

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <absl/time/time.h>

namespace lockstep {

TcpProxy::TcpProxy(int server_port) : server_port_(server_port), listener_(ListenOnLoopback()) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  stop_read_ = OwnedFd(ends[0]);
  stop_write_ = OwnedFd(ends[1]);
  thread_ = Thread("proxy", [this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stop_write_.Reset();
  thread_.Join();
}

void TcpProxy::Swallow() {
  MutexLock lock(&mutex_);
  swallowing_ = true;
}

int64_t TcpProxy::swallowed() const {
  MutexLock lock(&mutex_);
  return swallowed_;
}

bool TcpProxy::AwaitFromServer(int64_t pieces) {
  const auto enough = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return from_server_ >= pieces; };
  MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
}

void TcpProxy::Run() {
  while (true) {
    std::vector<pollfd> waits = {{stop_read_.get(), POLLIN, 0},
                                 {listener_.socket.get(), POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      waits.push_back({pair.client.get(), POLLIN, 0});
      waits.push_back({pair.server.get(), POLLIN, 0});
    }
    poll(waits.data(), waits.size(), -1);
    if (waits[0].revents != 0) return;
    size_t at = 2;
    for (Pair& pair : pairs_) {
      if (waits[at++].revents != 0) Carry(&pair, &pair.client, &pair.server);
      if (waits[at++].revents != 0) Carry(&pair, &pair.server, &pair.client);
    }
    pairs_.remove_if([](const Pair& pair) { return pair.closed; });
    if (waits[1].revents != 0) Connect();
  }
}

void TcpProxy::Connect() {
  Pair pair{OwnedFd(accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)),
            OwnedFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(server_port_));
  if (!pair.client.valid() ||
      connect(pair.server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return;
  }
  pairs_.push_back(std::move(pair));
}

void TcpProxy::Carry(Pair* pair, OwnedFd* from, OwnedFd* to) {
  char buffer[16384];
  const ssize_t got = recv(from->get(), buffer, sizeof buffer, 0);
  MutexLock lock(&mutex_);
  if (got > 0 && from == &pair->server) ++from_server_;
  if (swallowing_) {
    if (got > 0) swallowed_ += got;
    if (got <= 0) from->Reset();  // It gave up; the other is not told.
    return;
  }
  pair->closed |=
      got <= 0 || send(to->get(), buffer, static_cast<size_t>(got), MSG_NOSIGNAL) != got;
}

}  // namespace lockstep
