#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/time/time.h>

#include "common/credentials/certificate.h"
#include "tests/testing/process.h"

namespace lockstep {

/// A floor for fan-out: bare gRPC, bidirectional streams of bytes over mTLS. A server in another
/// process sends one message to every stream and takes one answer from each; each client appends to
/// a file of its own and syncs it before it answers.
class EchoFleet {
 public:
  struct Options {
    std::string directory;  // For the clients' files.
    int clients = 0;
    int threads = 0;  // That append and sync.
  };
  struct Round {
    int64_t message_bytes = 0;
    int64_t answer_bytes = 0;
    int64_t append_bytes = 0;
    int syncs = 1;
  };

  /// Starts the server (this program with kServerFlag) and connects all clients.
  explicit EchoFleet(const Options& options);
  ~EchoFleet();

  /// From the server's first send to its last receive.
  absl::Duration Run(const Round& round);

 private:
  class Client;
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

/// argv[1] of the server's process; argv[2] is the directory with its key, certificate and roots.
inline constexpr char kServerFlag[] = "--echo-server";
int RunEchoServer(const std::string& directory);

}  // namespace lockstep
