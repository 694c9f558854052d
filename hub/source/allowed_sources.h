#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include "hub/remote/git_url.h"

struct sockaddr;

namespace lockstep {

/// An IPv4 or IPv6 address. IPv4-mapped and NAT64 forms of an IPv4 address are that address.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  uint8_t length = 0;  // 4 or 16.

  static absl::StatusOr<IpAddress> Parse(absl::string_view text);
  /// INVALID_ARGUMENT for another family.
  static absl::StatusOr<IpAddress> FromSockaddr(const sockaddr* address);
  std::string ToString() const;
  /// Whether the address is one of the open internet: not loopback, private, link-local, shared,
  /// multicast, reserved.
  bool IsPublic() const;
};

/// A range of addresses, as 10.0.0.0/8.
struct Cidr {
  IpAddress network;
  int prefix = 0;

  static absl::StatusOr<Cidr> Parse(absl::string_view text);
  bool Contains(const IpAddress& address) const;
  std::string ToString() const;
};

/// Which addresses a connection for one URL may go to; asked for each address, when connecting.
struct AddressPolicy {
  bool any = false;          // The operator named the URL.
  std::vector<Cidr> ranges;  // Beside public addresses.

  /// PERMISSION_DENIED naming the address and --allow-source.
  absl::Status Check(const IpAddress& address) const;
};

/// What `--allow-source PATTERN` names: places that are not on the open internet and still may be
/// fetched from.
///
/// A pattern is a URL prefix (https://git.example/team, http://127.0.0.1:8080, file:///srv/git,
/// ssh://git.internal), which allows its scheme and any address behind its host, or a range of
/// addresses (10.0.0.0/8), which allows https and ssh to them. A prefix ends where a part of the
/// URL ends: https://a.example/x does not allow https://a.example/xy. A prefix of ssh without a
/// user allows all users; a pattern without a port means the scheme's own.
class AllowedSources {
 public:
  AllowedSources() = default;

  /// INVALID_ARGUMENT naming the pattern.
  static absl::StatusOr<AllowedSources> Parse(absl::Span<const std::string> patterns);

  /// PERMISSION_DENIED for http and file where no pattern names them.
  absl::Status CheckUrl(const GitUrl& url) const;

  AddressPolicy PolicyFor(const GitUrl& url) const;

 private:
  bool Names(const GitUrl& url) const;

  std::vector<GitUrl> prefixes_;
  std::vector<Cidr> ranges_;
};

}  // namespace lockstep
