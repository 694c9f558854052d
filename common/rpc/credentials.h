#pragma once

#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/credentials/certificate.h"

namespace grpc {
class AuthContext;
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace lockstep {

/// Decides whether a peer whose certificate is good may connect. Called on gRPC's threads, once per
/// connection; must not block. Anything but OK closes the connection.
using PeerCheck = std::function<absl::Status(const PeerIdentity&)>;

/// Where a server's key, certificate and roots lie, PEM.
struct TlsFiles {
  std::string key;
  std::string certificate;
  std::string roots;
};

/// For gRPC servers: TLS 1.2 or newer, and a client certificate that one of the roots issued and
/// that names one of our identities, or no connection. The files are looked at again every
/// `reload`, at least a second, so that a renewed certificate is used without a restart; the key
/// must stay. `check` is asked last. Errors: those of reading the files, INVALID_ARGUMENT for what
/// they hold.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files, PeerCheck check, absl::Duration reload = absl::Minutes(1));

/// For clients of the hub: shows `material`'s certificate and takes only a server whose certificate
/// one of its roots issued and that names the hub. The name by which the server was reached does
/// not matter, the roots hold no one else's (SECURITY A-52). INVALID_ARGUMENT for material that is
/// none.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeHubChannelCredentials(
    const TlsMaterial& material);

/// Who called. UNAUTHENTICATED without a certificate of one of our identities.
absl::StatusOr<PeerIdentity> ReadPeer(const grpc::AuthContext& context);

}  // namespace lockstep
