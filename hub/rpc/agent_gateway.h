#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/random.h"
#include "common/base/thread.h"
#include "common/credentials/identity.h"
#include "hub/core/event.h"
#include "hub/loop/ports.h"

namespace grpc {
class AuthContext;
class Service;
}  // namespace grpc

namespace lockstep {

/// Who called, from the verified certificate of the connection and nothing else (SECURITY D-3).
using PeerReader = std::function<absl::StatusOr<PeerIdentity>(const grpc::AuthContext&)>;

/// What the agents' service needs of the hub. Functions are called on gRPC's threads and must not
/// block; what they are handed as `done` is called once, on any thread.
struct AgentGatewayParts {
  PeerReader read_peer;
  std::function<SessionId()> new_session;
  /// Hands an event to the loop; false when it is full or stopped.
  std::function<bool(Event)> post;
  /// Calls `done` after the loop took all that was posted before; false (never called) as `post`.
  std::function<bool(absl::AnyInvocable<void()> done)> fence;

  /// Of what may be fetched, the delta documents: they are not in the store.
  using Documents = std::map<Digest, BlobBytes>;
  using FetchVerdict = absl::AnyInvocable<void(absl::StatusOr<Documents>)>;
  /// OK if the peer is the cluster's enrolled agent and its present or previous assignment, or a
  /// Desired under way to it, names all of `digests`.
  std::function<void(const PeerIdentity&, std::vector<Digest> digests, FetchVerdict)> may_fetch;

  using Issued = absl::AnyInvocable<void(absl::StatusOr<CertificateIssued>)>;
  /// Renews the certificate of the peer, whose session is `session_name`.
  std::function<void(const PeerIdentity&, absl::string_view session_name, CertificateRequest,
                     Issued)>
      issue;

  /// The blob's bytes, called on `pool`, where it may wait for the disk.
  std::function<absl::StatusOr<std::string>(const Digest&)> read_blob;

  // Borrowed; outlive the gateway. The pool runs for as long as the server does.
  TaskRunner* pool = nullptr;
  Rng* rng = nullptr;
};

struct AgentGatewayLimits {
  absl::Duration hello = absl::Seconds(10);    // From the stream's begin to its Hello.
  absl::Duration farewell = absl::Seconds(2);  // For what waits and the Goodbye to leave.
  /// Of one session, taken from the wire and not yet taken by the loop; at least one message.
  size_t unread_bytes = 64 << 10;
  int unread_messages = 32;
};

/// AgentService: the agents' streams and their fetches of blobs. As AgentPort it sends what the
/// core says.
///
/// A session is a stream on which Hello came first, and is known by its SessionId. The gateway
/// outlives the server it is registered with.
class AgentGateway : public AgentPort {
 public:
  AgentGateway(AgentGatewayParts parts, AgentGatewayLimits limits);
  ~AgentGateway() override;

  /// For grpc::ServerBuilder::RegisterService.
  grpc::Service* service();

  // AgentPort, thread-safe.
  void Send(SessionId session, HubMessage message) override;
  void Close(SessionId session, std::optional<Goodbye> goodbye) override;

  /// Says Goodbye(shutdown) to everyone, each with a retry_after of its own below `spread`, and
  /// takes no new streams. FAULTS F-82.
  void Shutdown(absl::Duration spread);

  /// Streams that are open, for the metrics.
  int open_streams() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
