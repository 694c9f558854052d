#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/digest.h"

namespace lockstep {

/// What a certificate speaks for.
enum class IdentityKind : uint8_t { kCluster, kUser, kHub };

/// Who a certificate speaks for. It is written into the certificate as its only URI name:
///
///     spiffe://lockstep/cluster/NAME    spiffe://lockstep/user/NAME    spiffe://lockstep/hub
struct Identity {
  IdentityKind kind = IdentityKind::kCluster;
  std::string name;  // A name as CheckIdentityName takes it; empty for the hub.

  friend auto operator<=>(const Identity&, const Identity&) = default;
  friend bool operator==(const Identity&, const Identity&) = default;

  std::string ToUri() const;
};

/// Who is at the other end of a connection, as its certificate has it; the certificate was
/// verified.
struct PeerIdentity {
  IdentityKind kind = IdentityKind::kCluster;
  std::string name;
  Digest fingerprint;    // SHA-256 of the key's DER SubjectPublicKeyInfo.
  absl::Time not_after;  // The certificate's end.
};

/// One rule for the names of clusters and users (SECURITY A-57): an RFC 1123 label, 1 to 63 of a-z,
/// 0-9 and '-', no '-' first or last. INVALID_ARGUMENT otherwise; `what` ("cluster", "user") begins
/// the message.
absl::Status CheckIdentityName(absl::string_view what, absl::string_view name);

/// The inverse of Identity::ToUri, by exact comparison. INVALID_ARGUMENT for anything that ToUri
/// does not write.
absl::StatusOr<Identity> ParseIdentityUri(absl::string_view uri);

}  // namespace lockstep
