#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/strings/str_cat.h>

#include "common/base/mutex.h"
#include "common/base/thread.h"
#include "tests/testing/process.h"

namespace lockstep {

/// An HTTP server on 127.0.0.1 that does what a test says, also what no server should: for hostile
/// and failing peers.
class ScriptedServer {
 public:
  struct Request {
    std::string method;
    std::string target;                          // Path and query.
    std::map<std::string, std::string> headers;  // Names in lower case.
    std::string body;
  };

  /// The other side of one connection, for the script to write on.
  class Connection {
   public:
    explicit Connection(int socket) : socket_(socket) {}
    /// False when the peer is gone or the server is stopping.
    bool Write(absl::string_view bytes);
    /// A whole answer; adds Content-Length.
    bool Answer(int status, const std::string& headers, absl::string_view body);
    /// Waits until the peer closes or the server is stopped.
    void WaitForEnd();

   private:
    const int socket_;
  };

  using Script = std::function<void(const Request& request, Connection& connection)>;

  /// `script` runs once for each connection, on a thread of the server; then the connection is
  /// closed.
  explicit ScriptedServer(Script script);
  ~ScriptedServer() { Stop(); }

  void Stop();

  uint16_t port() const { return listener_.port; }
  std::string base_url() const { return absl::StrCat("http://127.0.0.1:", port()); }
  /// Connections that were accepted; the requests that came over them.
  int connections() const { return connections_; }
  std::vector<Request> requests() const;

  /// What `git http-backend` answers to `request` for the repositories below `root`, its head
  /// first: status line and headers, an empty line, body. For a script to spoil.
  static std::string GitAnswer(const Request& request, const std::string& root);

 private:
  void Accept();
  void Serve(int socket);

  const Script script_;
  Listener listener_;
  std::atomic<int> connections_ = 0;

  mutable Mutex mutex_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<OwnedFd> sockets_ ABSL_GUARDED_BY(mutex_);
  std::vector<Request> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<Thread> threads_ ABSL_GUARDED_BY(mutex_);
  Thread acceptor_;
};

}  // namespace lockstep
