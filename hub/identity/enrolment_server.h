#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/base/clock.h"
#include "hub/identity/authority.h"

namespace lockstep {

/// An agent's wish to become a cluster; its proof of the key was checked.
struct Redemption {
  Digest token_hash;
  std::string cluster;
  Digest fingerprint;      // Of the key that the certificate will be for.
  std::string target_uid;  // 16 bytes.
};

/// An agent's wish to go on being one, its certificate being expired; its proof of the key was
/// checked.
struct LateRenewal {
  std::string cluster;
  Digest fingerprint;
};

/// Who decides: the hub's core, through its loop.
class EnrolmentBackend {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;

  virtual ~EnrolmentBackend() = default;

  /// Calls `done`, on any thread, once: OK after the redemption is durable. PERMISSION_DENIED if
  /// the token is unknown, used, expired or of another cluster (one text for all of them). Must not
  /// block.
  virtual void Redeem(const Redemption& redemption, Done done) = 0;

  /// Calls `done`, on any thread, once: OK if `fingerprint` is the cluster's enrolled key and not
  /// revoked, else PERMISSION_DENIED. Must not block.
  virtual void AllowLateRenewal(const LateRenewal& renewal, Done done) = 0;
};

struct EnrolmentLimits {
  absl::Duration handshake = absl::Seconds(10);
  absl::Duration request = absl::Seconds(10);  // From the end of the handshake to the whole answer.
  int handshakes_per_address = 64;             // Unfinished ones.
  int connections = 1024;                      // In all.
  uint64_t body_bytes = 16 * 1024;
  int failures_per_minute = 5;  // Per address: refused redemptions and renewals.
  absl::Duration nonce_life = absl::Minutes(1);
};

struct EnrolmentOptions {
  std::string listen_host = "0.0.0.0";
  uint16_t listen_port = 0;  // 0: any free one.
  TlsMaterial material;      // As HubIdentity::Material.
  EnrolmentLimits limits;
};

/// The small HTTPS server by which agents get their first certificate, and another one after theirs
/// expired. Its own thread does everything; TLS 1.2 or newer. JSON in and out, binary in base64:
///
///     GET  /v1/nonce  → {nonce}
///     POST /v1/enrol  {cluster, secret, publicKey, targetUid, nonce, proof} → {certificates: […]}
///     POST /v1/renew  {certificate, nonce, proof}                          → {certificates: […]}
///     an error        → {error: "a sentence"}
///
/// Certificates are DER, leaf first. Proofs are as common/credentials/proof.h draws them.
class EnrolmentServer {
 public:
  /// Starts listening. `backend` and `clock` must outlive this. Errors: UNAVAILABLE if the port is
  /// taken, INVALID_ARGUMENT for bad material or a host that is no IP address.
  static absl::StatusOr<std::unique_ptr<EnrolmentServer>> Start(EnrolmentOptions options,
                                                                CertificateAuthority authority,
                                                                EnrolmentBackend* backend,
                                                                const Clock* clock);
  ~EnrolmentServer();

  uint16_t port() const;
  /// For connections from now on: the hub's certificate was renewed. Thread-safe.
  absl::Status UseMaterial(const TlsMaterial& material);
  /// Closes all connections and joins the thread. Idempotent.
  void Stop();

 private:
  class Impl;
  explicit EnrolmentServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep
