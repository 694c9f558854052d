#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/rpc/keepalive.h"

namespace grpc {
class Channel;
class Server;
class ServerCredentials;
class Service;
}  // namespace grpc

namespace lockstep {

struct HubServerOptions {
  std::string address = "0.0.0.0:7443";  // Port 0: any free one.
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::vector<grpc::Service*> services;  // Borrowed; outlive the server.
  size_t memory_bytes_max = 512 << 20;   // Of gRPC's own buffers, all connections together.
  Keepalive keepalive;
};

/// The hub's one gRPC listener, with server reflection and the standard health service beside our
/// own services. Its settings (keepalive, sizes, windows) are those of docs/protocol.md "Limits".
class HubServer {
 public:
  explicit HubServer(HubServerOptions options);
  ~HubServer();

  /// Listens. UNAVAILABLE where the address cannot be had.
  absl::Status Start();
  int port() const { return port_; }

  /// What the health service answers; SERVING after Start.
  void SetServing(bool serving);

  /// Takes no new calls, waits at most `drain` for those under way, then breaks them. Streams end
  /// sooner where their services were told before (AgentGateway::Shutdown). Idempotent.
  void Stop(absl::Duration drain);

  /// A client's way in without a socket; for tests.
  std::shared_ptr<grpc::Channel> InProcessChannel();

 private:
  const HubServerOptions options_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace lockstep
