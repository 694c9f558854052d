#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include "common/base/digest.h"

namespace lockstep {

inline constexpr uint16_t kDefaultPort = 7443;
inline constexpr uint16_t kDefaultEnrolmentPort = 7444;
/// How long a join token can be redeemed.
inline constexpr absl::Duration kJoinTokenLife = absl::Minutes(15);

/// Where a hub is reached.
struct HubAddress {
  std::string host;  // A DNS name or an IP address, without brackets.
  uint16_t port = kDefaultPort;
  uint16_t enrolment_port = kDefaultEnrolmentPort;

  friend bool operator==(const HubAddress&, const HubAddress&) = default;

  /// "host:port", an IPv6 host in brackets: what gRPC and people take.
  std::string Target() const;
  std::string EnrolmentTarget() const;
};

/// Parses HOST[:PORT]; an IPv6 address with a port goes into brackets. INVALID_ARGUMENT says what
/// is wrong.
absl::StatusOr<HubAddress> ParseHubAddress(absl::string_view text,
                                           uint16_t enrolment_port = kDefaultEnrolmentPort);

/// A DNS name or an IP address, without a port. INVALID_ARGUMENT otherwise.
absl::Status CheckHost(absl::string_view host);

/// Addresses as files keep them: a line "HOST:PORT ENROLMENT_PORT" each. 1 to 8 of them, or
/// INVALID_ARGUMENT.
std::string FormatHubAddresses(const std::vector<HubAddress>& hubs);
absl::StatusOr<std::vector<HubAddress>> ParseHubAddresses(absl::string_view lines);

/// What an agent needs to join: where the hub is, how to know it, and the right to be one cluster,
/// once.
///
/// As a string it is "lsj1." and base64url without padding of:
///
///     secret (32)  CA fingerprint (32)  cluster (sized)  address count (1)
///     then per address: host (sized)  port (2)  enrolment port (2)      then: check (4, start of
///     SHA-256 of all before)
///
/// sized = 1 byte length, bytes. Integers are big-endian.
struct JoinToken {
  std::string secret;     // 32 random bytes. Known to the string alone: the hub keeps its hash.
  Digest ca_fingerprint;  // The hub's CA: SHA-256 of its SubjectPublicKeyInfo.
  std::string cluster;
  std::vector<HubAddress> hubs;  // 1 to 8, in the order of trying.
};

/// A token with a new secret from the kernel.
JoinToken MakeJoinToken(absl::string_view cluster, const Digest& ca_fingerprint,
                        std::vector<HubAddress> hubs);

std::string FormatJoinToken(const JoinToken& token);

/// The inverse of FormatJoinToken; white space around it is ignored. INVALID_ARGUMENT for anything
/// that FormatJoinToken does not write; the message holds no part of the token.
absl::StatusOr<JoinToken> ParseJoinToken(absl::string_view text);

/// Under what the hub keeps a token.
Digest HashTokenSecret(absl::string_view secret);

}  // namespace lockstep
